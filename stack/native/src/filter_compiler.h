// libpcap's compiler of filter expressions.
#pragma once

#include "napi.h"

namespace weir {

/// { version: string, compile(expression, dlt, snaplen, netmask, optimize): Uint32Array }
napi_value make_pcap_exports(napi_env env);

}  // namespace weir
