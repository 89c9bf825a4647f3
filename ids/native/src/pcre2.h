// The `pcre2` object of the addon: compiled expressions of one JavaScript environment, 8-bit, no UTF.
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "util.h"

namespace weir {

struct Expression {
  pcre2_code* code = nullptr;
  /// Machine code is made at the first exec: most expressions of a rule set are never run.
  enum class Jit { kPending, kReady, kNone };
  Jit jit = Jit::kPending;
  uint32_t match_limit = 0;
  ~Expression() { pcre2_code_free(code); }
};

class Pcre2 {
 public:
  Pcre2();
  Pcre2(const Pcre2&) = delete;
  Pcre2& operator=(const Pcre2&) = delete;
  ~Pcre2();

  napi_value make_exports(napi_env env);

  HandleTable<Expression> expressions;
  /// Where the last match lies: two offsets in the array that was searched. JavaScript reads this memory in place.
  SharedBlock<int32_t> match{2};
  pcre2_compile_context* compile_context;
  pcre2_match_context* match_context;
  pcre2_match_data* match_data;
  pcre2_jit_stack* jit_stack;
};

}  // namespace weir
