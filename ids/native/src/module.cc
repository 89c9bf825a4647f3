// weir_native: Hyperscan and PCRE2 for Weir's detection engine.
//
// In: patterns and byte ranges from ids/src/match (its only caller). Out: ids and offsets, written to memory that
// JavaScript reads in place. One Instance per JavaScript environment (main thread, each worker), freed with it; compiled
// Hyperscan databases are shared by all of them (database.h).

#include "hyperscan.h"
#include "pcre2.h"

namespace weir {
namespace {

struct Instance {
  Hyperscan hyperscan;
  Pcre2 pcre2;
};

}  // namespace
}  // namespace weir

NAPI_MODULE_INIT() {
  auto* instance = new weir::Instance;
  const auto destroy = [](napi_env, void* data, void*) { delete static_cast<weir::Instance*>(data); };
  if (napi_set_instance_data(env, instance, destroy, nullptr) != napi_ok) {
    delete instance;
    napi_throw_error(env, nullptr, "weir_native could not be set up");
    return nullptr;
  }
  napi_set_named_property(env, exports, "hyperscan", instance->hyperscan.make_exports(env));
  napi_set_named_property(env, exports, "pcre2", instance->pcre2.make_exports(env));
  return exports;
}
