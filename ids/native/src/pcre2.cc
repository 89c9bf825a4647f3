#include "pcre2.h"

namespace weir {
namespace {

/// Result codes of exec, as ids/src/match/matcher.ts has them.
constexpr int32_t kNoMatch = 0;
constexpr int32_t kMatch = 1;
constexpr int32_t kLimit = -1;

/// A match may take this much memory beyond its stack frame; PCRE2 counts it in KiB.
constexpr uint32_t kHeapLimitKiB = 16 * 1024;
constexpr size_t kJitStackStart = 32 * 1024;
constexpr size_t kJitStackMax = 1024 * 1024;

/// Bits of `flags` in compile(), in the order of PCRE's letters; the TypeScript side has the same list.
constexpr struct {
  uint32_t bit;
  uint32_t option;
} kFlags[] = {
    {1u << 0, PCRE2_CASELESS}, {1u << 1, PCRE2_DOTALL},         {1u << 2, PCRE2_MULTILINE}, {1u << 3, PCRE2_EXTENDED},
    {1u << 4, PCRE2_ANCHORED}, {1u << 5, PCRE2_DOLLAR_ENDONLY}, {1u << 6, PCRE2_UNGREEDY},
};

/// compile(pattern: Uint8Array, flags, matchLimit) -> expression; matchLimit 0 stands for the library's default (10 million)
napi_value compile(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  const View<uint8_t> pattern = args.bytes(0, "pattern");
  const uint32_t flags = args.u32(1, "flags");
  uint32_t match_limit = args.u32(2, "matchLimit");
  if (!args.ok()) return nullptr;
  Pcre2& self = args.self<Pcre2>();
  if (self.expressions.full()) {
    napi_throw_error(env, nullptr, "too many open expressions");
    return nullptr;
  }
  // The subject is bytes: a pattern may not turn UTF on for itself.
  uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
  for (const auto& flag : kFlags) {
    if ((flags & flag.bit) != 0) options |= flag.option;
  }
  auto expression = std::make_unique<Expression>();
  // Even without a limit of the caller's, hostile bytes may not hold the thread for ever.
  if (match_limit == 0) pcre2_config(PCRE2_CONFIG_MATCHLIMIT, &match_limit);
  expression->match_limit = match_limit;
  int status = 0;
  PCRE2_SIZE offset = 0;
  const PCRE2_UCHAR empty = 0;
  expression->code = pcre2_compile(pattern.data == nullptr ? &empty : pattern.data, pattern.length, options, &status, &offset,
                                   self.compile_context);
  if (expression->code == nullptr) {
    PCRE2_UCHAR message[256] = {};
    pcre2_get_error_message(status, message, sizeof message);
    throw_error_at(env, reinterpret_cast<const char*>(message), "offset", static_cast<int32_t>(offset));
    return nullptr;
  }
  return make_u32(env, self.expressions.add(std::move(expression)));
}

/// Without JIT (not built in, executable memory refused, or switched off by the pattern, which counts as success) the
/// interpreter gives the same answers.
void compile_jit(Expression* expression) {
  size_t size = 0;
  const bool ready = pcre2_jit_compile(expression->code, PCRE2_JIT_COMPLETE) == 0 &&
                     pcre2_pattern_info(expression->code, PCRE2_INFO_JITSIZE, &size) == 0 && size > 0;
  expression->jit = ready ? Expression::Jit::kReady : Expression::Jit::kNone;
}

/// minLength(expression) -> bytes a subject must have at least to match
napi_value min_length(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  const uint32_t handle = args.u32(0, "expression");
  const Expression* expression = args.ok() ? args.self<Pcre2>().expressions.get(handle) : nullptr;
  if (args.ok() && expression == nullptr) args.fail("expression is closed or was never open");
  if (!args.ok()) return nullptr;
  uint32_t length = 0;
  if (pcre2_pattern_info(expression->code, PCRE2_INFO_MINLENGTH, &length) != 0) length = 0;
  return make_u32(env, length);
}

/// exec(expression, bytes, start, end, from) -> kNoMatch | kMatch | kLimit
napi_value exec(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  Pcre2& self = args.self<Pcre2>();
  const uint32_t handle = args.u32(0, "expression");
  const View<uint8_t> bytes = args.bytes(1, "bytes");
  const uint32_t start = args.u32(2, "start");
  const uint32_t end = args.u32(3, "end");
  const uint32_t from = args.u32(4, "from");
  if (args.ok() && (!in_range(bytes, start, end) || from < start || from > end || end > INT32_MAX)) {
    args.fail("start, from and end must be in order and lie inside bytes");
  }
  Expression* expression = args.ok() ? self.expressions.get(handle) : nullptr;
  if (args.ok() && expression == nullptr) args.fail("expression is closed or was never open");
  if (!args.ok()) return nullptr;
  if (expression->jit == Expression::Jit::kPending) compile_jit(expression);

  static const PCRE2_UCHAR nothing = 0;
  PCRE2_SPTR subject = bytes.data == nullptr ? &nothing : bytes.data + start;
  pcre2_set_match_limit(self.match_context, expression->match_limit);
  const auto run = expression->jit == Expression::Jit::kReady ? pcre2_jit_match : pcre2_match;
  const int status = run(expression->code, subject, end - start, from - start, 0, self.match_data, self.match_context);
  int32_t result = kLimit;  // every other error is a resource that ran out
  if (status == PCRE2_ERROR_NOMATCH) {
    result = kNoMatch;
  } else if (status >= 0) {
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(self.match_data);
    self.match.data()[0] = static_cast<int32_t>(start + offsets[0]);
    self.match.data()[1] = static_cast<int32_t>(start + offsets[1]);
    result = kMatch;
  }
  napi_value value = nullptr;
  napi_create_int32(env, result, &value);
  return value;
}

/// match() -> Int32Array of two over the memory that exec writes to
napi_value match_array(napi_env env, napi_callback_info info) {
  Args<0> args(env, info);
  return args.ok() ? args.self<Pcre2>().match.typed_array(env, napi_int32_array) : nullptr;
}

/// close(expression); a second time does nothing
napi_value close(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  const uint32_t handle = args.u32(0, "expression");
  if (args.ok()) args.self<Pcre2>().expressions.remove(handle);
  return nullptr;
}

}  // namespace

Pcre2::Pcre2()
    : compile_context(pcre2_compile_context_create(nullptr)),
      match_context(pcre2_match_context_create(nullptr)),
      match_data(pcre2_match_data_create(1, nullptr)),
      jit_stack(pcre2_jit_stack_create(kJitStackStart, kJitStackMax, nullptr)) {
  // What a line is must not depend on how the library was built.
  pcre2_set_newline(compile_context, PCRE2_NEWLINE_LF);
  pcre2_set_bsr(compile_context, PCRE2_BSR_UNICODE);
  pcre2_set_heap_limit(match_context, kHeapLimitKiB);
  pcre2_jit_stack_assign(match_context, nullptr, jit_stack);
}

Pcre2::~Pcre2() {
  pcre2_jit_stack_free(jit_stack);
  pcre2_match_data_free(match_data);
  pcre2_match_context_free(match_context);
  pcre2_compile_context_free(compile_context);
}

napi_value Pcre2::make_exports(napi_env env) {
  static const Function functions[] = {{"compile", compile}, {"exec", exec}, {"minLength", min_length}, {"match", match_array}, {"close", close}};
  napi_value object = make_object(env, functions, this);
  if (object == nullptr) return nullptr;
  char version[64] = {};
  pcre2_config(PCRE2_CONFIG_VERSION, version);
  uint32_t jit = 0;
  pcre2_config(PCRE2_CONFIG_JIT, &jit);
  napi_value has_jit = nullptr;
  napi_get_boolean(env, jit != 0, &has_jit);
  napi_set_named_property(env, object, "jit", has_jit);
  napi_set_named_property(env, object, "version", make_string(env, version));
  return object;
}

}  // namespace weir
