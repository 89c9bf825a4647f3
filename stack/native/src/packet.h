// AF_PACKET sockets of one JavaScript environment, named by integers that are never used again.
#pragma once

#include "napi.h"

#include <memory>
#include <unordered_map>

namespace weir {

/// A mapped ring. Unmapped when nothing refers to it any more.
struct Mapping {
  void* base = nullptr;
  size_t size = 0;
  void unmap();
  ~Mapping() { unmap(); }
};

struct PacketSocket {
  int fd = -1;
  uint32_t interface_index = 0;
  uint32_t hardware_type = 0;
  std::shared_ptr<Mapping> mapping;
  ~PacketSocket();
};

class Watcher;

class PacketSockets {
 public:
  PacketSockets();
  ~PacketSockets();
  napi_value make_exports(napi_env env);

  uint32_t add(std::unique_ptr<PacketSocket> socket);
  uint32_t add(std::unique_ptr<Watcher> watcher);
  /// Null when there is no such socket (any more).
  PacketSocket* socket(uint32_t id) const;
  Watcher* watcher(uint32_t id) const;
  void remove(uint32_t id);

 private:
  std::unordered_map<uint32_t, std::unique_ptr<PacketSocket>> sockets_;
  std::unordered_map<uint32_t, std::unique_ptr<Watcher>> watchers_;
  uint32_t next_ = 1;
};

}  // namespace weir
