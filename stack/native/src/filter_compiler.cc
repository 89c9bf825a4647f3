// Built with libpcap only.
#ifdef WEIR_PCAP

#include "filter_compiler.h"

#include <pcap/pcap.h>

namespace weir {
namespace {

/// compile(expression, dlt, snaplen, netmask, optimize): four words (code, jt, jf, k) per instruction. Throws an Error
/// with libpcap's words.
napi_value compile(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  const std::string expression = args.text(0);
  const uint32_t link_type = args.u32(1);
  const uint32_t snaplen = args.u32(2);
  const uint32_t netmask = args.u32(3);
  const uint32_t optimize = args.u32(4);
  if (!args.ok()) return nullptr;

  pcap_t* handle = pcap_open_dead(static_cast<int>(link_type), static_cast<int>(snaplen));
  if (handle == nullptr) {
    napi_throw_error(env, nullptr, "libpcap is out of memory");
    return nullptr;
  }
  bpf_program program;
  if (pcap_compile(handle, &program, expression.c_str(), optimize != 0 ? 1 : 0, netmask) != 0) {
    const std::string reason = pcap_geterr(handle);
    pcap_close(handle);
    napi_throw_error(env, nullptr, reason.c_str());
    return nullptr;
  }
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  const size_t count = program.bf_len;
  if (napi_create_arraybuffer(env, count * 4 * sizeof(uint32_t), &data, &buffer) == napi_ok) {
    auto* word = static_cast<uint32_t*>(data);
    for (size_t i = 0; i < count; i++) {
      const bpf_insn& instruction = program.bf_insns[i];
      *word++ = instruction.code;
      *word++ = instruction.jt;
      *word++ = instruction.jf;
      *word++ = instruction.k;
    }
    napi_create_typedarray(env, napi_uint32_array, count * 4, buffer, 0, &array);
  }
  pcap_freecode(&program);
  pcap_close(handle);
  return array;
}

}  // namespace

napi_value make_pcap_exports(napi_env env) {
  const Function functions[] = {{"compile", compile}};
  napi_value object = make_object(env, functions, nullptr);
  if (object != nullptr) napi_set_named_property(env, object, "version", make_string(env, pcap_lib_version()));
  return object;
}

}  // namespace weir

#endif  // WEIR_PCAP
