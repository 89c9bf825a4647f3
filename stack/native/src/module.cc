// weir_net: what the stack needs of the system and JavaScript cannot reach.
//
// `pcap`, where built with libpcap: filter expressions to BPF programs. `packet`, on Linux: AF_PACKET sockets with
// mapped receive rings, sending, and waiting for both. Called by stack/src/bpf and stack/src/capture only. One Instance
// per JavaScript environment (main thread, each worker), freed with it.

#include "napi.h"

#ifdef WEIR_PCAP
#include "filter_compiler.h"
#endif
#ifdef WEIR_PACKET
#include "packet.h"
#endif

namespace weir {
namespace {

struct Instance {
#ifdef WEIR_PACKET
  PacketSockets packet;
#endif
};

}  // namespace
}  // namespace weir

NAPI_MODULE_INIT() {
  auto* instance = new weir::Instance;
  const auto destroy = [](napi_env, void* data, void*) { delete static_cast<weir::Instance*>(data); };
  if (napi_set_instance_data(env, instance, destroy, nullptr) != napi_ok) {
    delete instance;
    napi_throw_error(env, nullptr, "weir_net could not be set up");
    return nullptr;
  }
#ifdef WEIR_PCAP
  napi_set_named_property(env, exports, "pcap", weir::make_pcap_exports(env));
#endif
#ifdef WEIR_PACKET
  napi_set_named_property(env, exports, "packet", instance->packet.make_exports(env));
#endif
  return exports;
}
