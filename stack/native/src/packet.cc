// Linux only.
#ifdef WEIR_PACKET

#include "packet.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "watcher.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#ifndef PACKET_QDISC_BYPASS
#define PACKET_QDISC_BYPASS 20
#endif

namespace weir {
namespace {

// Bits of the `flags` of openRing and openSender; the same in stack/src/native.ts.
constexpr uint32_t kPromiscuous = 1;
constexpr uint32_t kIgnoreOutgoing = 2;
/// Frames have a virtio_net_hdr before them: what the kernel would still have to do to checksum and segment them.
constexpr uint32_t kVirtioHeader = 4;
constexpr uint32_t kBypassQueue = 8;

/// Room before each frame for a VLAN tag put back: the frame's head moves down by four.
constexpr int kReserve = 16;

constexpr size_t kBatch = 64;
constexpr int kSendPatience = 20;  // milliseconds a full send queue is waited for


template <class T>
bool set(int fd, int name, const T& value) {
  return setsockopt(fd, SOL_PACKET, name, &value, sizeof value) == 0;
}

/// Attaches a classic BPF program, four words an instruction; none at all when it is empty.
bool attach_filter(int fd, View<uint32_t> program) {
  if (program.length == 0) {
    int unused = 0;
    return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == 0 || errno == ENOENT;
  }
  std::vector<sock_filter> code(program.length / 4);
  for (size_t i = 0; i < code.size(); i++) {
    const uint32_t* word = program.data + 4 * i;
    code[i] = {static_cast<uint16_t>(word[0]), static_cast<uint8_t>(word[1]), static_cast<uint8_t>(word[2]), word[3]};
  }
  sock_fprog bound = {static_cast<unsigned short>(code.size()), code.data()};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &bound, sizeof bound) == 0;
}

bool attach_nothing_passes(int fd) {
  uint32_t program[] = {BPF_RET | BPF_K, 0, 0, 0};
  return attach_filter(fd, {program, 4});
}

/// The failed call, or null: socket, interface index and hardware type.
const char* open_on(PacketSocket* socket, const std::string& name) {
  socket->fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (socket->fd < 0) return "socket";
  ifreq request = {};
  if (name.empty() || name.size() >= sizeof request.ifr_name) {
    errno = ENODEV;
    return "interface";
  }
  std::memcpy(request.ifr_name, name.data(), name.size());
  if (ioctl(socket->fd, SIOCGIFINDEX, &request) != 0) return "interface";
  socket->interface_index = static_cast<uint32_t>(request.ifr_ifindex);
  if (ioctl(socket->fd, SIOCGIFHWADDR, &request) != 0) return "interface";
  socket->hardware_type = request.ifr_hwaddr.sa_family;
  return nullptr;
}

bool bind_to(const PacketSocket& socket, uint16_t protocol) {
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = static_cast<int>(socket.interface_index);
  return bind(socket.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

struct RingSettings {
  uint32_t block_size;
  uint32_t block_count;
  uint32_t retire;  // milliseconds after which a block that is not full is handed over
  uint32_t flags;
  uint32_t fanout;  // argument of PACKET_FANOUT, or 0
};

/// The failed call, or null.
const char* open_ring(PacketSocket* socket, const std::string& name, const RingSettings& settings,
                      View<uint32_t> filter) {
  if (const char* failed = open_on(socket, name)) return failed;
  const int fd = socket->fd;
  // Bound to the interface, but not in its fanout group yet: frames that came now would go to every member.
  if (!attach_nothing_passes(fd)) return "filter";
  if (!set(fd, PACKET_VERSION, static_cast<int>(TPACKET_V3))) return "PACKET_VERSION";
  if (!set(fd, PACKET_RESERVE, kReserve)) return "PACKET_RESERVE";
  if ((settings.flags & kVirtioHeader) != 0 && !set(fd, PACKET_VNET_HDR, 1)) return "PACKET_VNET_HDR";
  // Old kernels do not know it; the reader leaves outgoing frames out as well.
  if ((settings.flags & kIgnoreOutgoing) != 0) set(fd, PACKET_IGNORE_OUTGOING, 1);
  tpacket_req3 request = {};
  request.tp_block_size = settings.block_size;
  request.tp_block_nr = settings.block_count;
  request.tp_frame_size = TPACKET_ALIGNMENT << 7;
  request.tp_frame_nr = settings.block_size / request.tp_frame_size * settings.block_count;
  request.tp_retire_blk_tov = settings.retire;
  if (!set(fd, PACKET_RX_RING, request)) return "PACKET_RX_RING";
  const size_t size = static_cast<size_t>(settings.block_size) * settings.block_count;
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return "mmap";
  socket->mapping = std::make_shared<Mapping>();
  socket->mapping->base = base;
  socket->mapping->size = size;
  if ((settings.flags & kPromiscuous) != 0) {
    packet_mreq membership = {};
    membership.mr_ifindex = static_cast<int>(socket->interface_index);
    membership.mr_type = PACKET_MR_PROMISC;
    if (!set(fd, PACKET_ADD_MEMBERSHIP, membership)) return "PACKET_ADD_MEMBERSHIP";
  }
  if (!bind_to(*socket, ETH_P_ALL)) return "bind";
  if (settings.fanout != 0 && !set(fd, PACKET_FANOUT, settings.fanout)) return "PACKET_FANOUT";
  if (!attach_filter(fd, filter)) return "filter";
  return nullptr;
}

/// openRing(interface, Uint32Array of RingSettings, program): id
napi_value open_ring_call(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  const std::string name = args.text(0);
  const View<uint32_t> words = args.words(1);
  const View<uint32_t> filter = args.words(2);
  if (args.ok() && words.length != 5) args.fail("five settings are expected");
  if (!args.ok()) return nullptr;
  const RingSettings settings = {words.data[0], words.data[1], words.data[2], words.data[3], words.data[4]};
  auto socket = std::make_unique<PacketSocket>();
  if (const char* failed = open_ring(socket.get(), name, settings, filter)) return throw_system(env, failed, errno);
  return make_u32(env, args.self<PacketSockets>().add(std::move(socket)));
}

/// openSender(interface, flags): id. A socket that only sends.
napi_value open_sender_call(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  const std::string name = args.text(0);
  const uint32_t flags = args.u32(1);
  if (!args.ok()) return nullptr;
  auto socket = std::make_unique<PacketSocket>();
  const char* failed = open_on(socket.get(), name);
  const int fd = socket->fd;
  if (failed == nullptr && (flags & kVirtioHeader) != 0 && !set(fd, PACKET_VNET_HDR, 1)) failed = "PACKET_VNET_HDR";
  if (failed == nullptr && (flags & kBypassQueue) != 0 && !set(fd, PACKET_QDISC_BYPASS, 1)) failed = "PACKET_QDISC_BYPASS";
  if (failed == nullptr && !bind_to(*socket, 0)) failed = "bind";
  if (failed != nullptr) return throw_system(env, failed, errno);
  return make_u32(env, args.self<PacketSockets>().add(std::move(socket)));
}

template <size_t N>
PacketSocket* socket_argument(Args<N>& args) {
  const uint32_t id = args.u32(0);
  PacketSocket* socket = args.ok() ? args.template self<PacketSockets>().socket(id) : nullptr;
  if (args.ok() && socket == nullptr) args.fail("the socket is closed");
  return socket;
}

/// memory(id): ArrayBuffer over the ring. To be asked for once; `close` wants it back.
napi_value memory_call(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  PacketSocket* socket = socket_argument(args);
  if (args.ok() && socket->mapping == nullptr) args.fail("the socket has no ring");
  if (!args.ok()) return nullptr;
  // The mapping outlives whoever lets go first.
  auto* keep = new std::shared_ptr<Mapping>(socket->mapping);
  const auto release = [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Mapping>*>(hint); };
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, (*keep)->base, (*keep)->size, release, keep, &buffer) != napi_ok) {
    delete keep;
    napi_throw_error(env, nullptr, "this JavaScript runtime does not allow external buffers");
    return nullptr;
  }
  return buffer;
}

/// hardwareType(id): the interface's ARPHRD_ number.
napi_value hardware_type_call(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  const PacketSocket* socket = socket_argument(args);
  return args.ok() ? make_u32(env, socket->hardware_type) : nullptr;
}

/// statistics(id, Uint32Array): frames passed by the filter (drops included), dropped, freezes of the ring, since the
/// last call.
napi_value statistics_call(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  const PacketSocket* socket = socket_argument(args);
  const View<uint32_t> out = args.words(1);
  if (args.ok() && out.length < 3) args.fail("room for three numbers is expected");
  if (!args.ok()) return nullptr;
  tpacket_stats_v3 statistics = {};
  socklen_t length = sizeof statistics;
  if (getsockopt(socket->fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) != 0) {
    return throw_system(env, "PACKET_STATISTICS", errno);
  }
  out.data[0] = statistics.tp_packets;
  out.data[1] = statistics.tp_drops;
  out.data[2] = statistics.tp_freeze_q_cnt;
  return nullptr;
}

bool wait_for_room(int fd) {
  pollfd polled = {fd, POLLOUT, 0};
  return poll(&polled, 1, kSendPatience) > 0 && (polled.revents & POLLOUT) != 0;
}

/// Sends what it can, in order; a frame the kernel refuses is left out. Returns the number sent and the last error.
uint32_t send_all(int fd, uint8_t* bytes, const uint32_t* spans, size_t count, uint32_t* error) {
  mmsghdr messages[kBatch];
  iovec parts[kBatch];
  uint32_t sent = 0;
  bool waited = false;
  for (size_t at = 0; at < count;) {
    const size_t batch = std::min(kBatch, count - at);
    std::memset(messages, 0, batch * sizeof messages[0]);
    for (size_t i = 0; i < batch; i++) {
      parts[i] = {bytes + spans[2 * (at + i)], spans[2 * (at + i) + 1]};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int done = sendmmsg(fd, messages, static_cast<unsigned>(batch), MSG_DONTWAIT);
    if (done > 0) {
      at += static_cast<size_t>(done);
      sent += static_cast<uint32_t>(done);
      waited = false;
      continue;
    }
    if (errno == EINTR) continue;
    *error = static_cast<uint32_t>(errno);
    const bool full = errno == EAGAIN || errno == ENOBUFS;
    if (full && !waited && wait_for_room(fd)) {
      waited = true;
      continue;
    }
    waited = false;
    // When the queue stays full the rest of the batch would only wait as long.
    at += full ? batch : 1;
  }
  return sent;
}

/// send(id, bytes, spans, count, result): spans are pairs of offset and length; result[0] frames were sent, result[1] is
/// the last error number or 0.
napi_value send_call(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  const PacketSocket* socket = socket_argument(args);
  const View<uint8_t> bytes = args.bytes(1);
  const View<uint32_t> spans = args.words(2);
  const size_t count = args.u32(3);
  const View<uint32_t> result = args.words(4);
  if (args.ok() && (spans.length / 2 < count || result.length < 2)) args.fail("too few spans");
  for (size_t i = 0; args.ok() && i < count; i++) {
    const uint32_t offset = spans.data[2 * i];
    if (offset > bytes.length || spans.data[2 * i + 1] > bytes.length - offset) args.fail("a span is out of range");
  }
  if (!args.ok()) return nullptr;
  uint32_t error = 0;
  result.data[0] = send_all(socket->fd, bytes.data, spans.data, count, &error);
  result.data[1] = error;
  return nullptr;
}

/// watch(ids, callback): id of a watcher; see Watcher.
napi_value watch_call(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  const View<uint32_t> ids = args.words(0);
  std::vector<int> sockets;
  for (size_t i = 0; args.ok() && i < ids.length; i++) {
    const PacketSocket* socket = args.self<PacketSockets>().socket(ids.data[i]);
    if (socket == nullptr) args.fail("the socket is closed");
    else sockets.push_back(socket->fd);
  }
  if (!args.ok()) return nullptr;
  Watcher* watcher = Watcher::make(env, args.value(1), std::move(sockets));
  if (watcher == nullptr) return nullptr;
  return make_u32(env, args.self<PacketSockets>().add(std::unique_ptr<Watcher>(watcher)));
}

napi_value arm_call(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  const uint32_t id = args.u32(0);
  Watcher* watcher = args.ok() ? args.self<PacketSockets>().watcher(id) : nullptr;
  if (args.ok() && watcher == nullptr) args.fail("the watcher is closed");
  if (args.ok()) watcher->arm();
  return nullptr;
}

/// close(id, memory?): a socket with the ring's ArrayBuffer, or a watcher or a sender. Closed already is no
/// error. Watchers first: a watched socket must stay open.
napi_value close_call(napi_env env, napi_callback_info info) {
  Args<2> args(env, info, 1);
  const uint32_t id = args.u32(0);
  if (!args.ok()) return nullptr;
  PacketSockets& sockets = args.self<PacketSockets>();
  PacketSocket* socket = sockets.socket(id);
  if (socket != nullptr && socket->mapping != nullptr) {
    // The kernel keeps the socket, and its place in a fanout group, while the ring is mapped. Views of a detached buffer
    // have no bytes: nothing can reach the ring any more.
    bool detached = false;
    if (napi_detach_arraybuffer(env, args.value(1)) == napi_ok &&
        napi_is_detached_arraybuffer(env, args.value(1), &detached) == napi_ok && detached) {
      socket->mapping->unmap();
    } else {
      attach_nothing_passes(socket->fd);
    }
  }
  sockets.remove(id);
  return nullptr;
}

}  // namespace

void Mapping::unmap() {
  if (base != nullptr) munmap(base, size);
  base = nullptr;
}

PacketSocket::~PacketSocket() {
  if (fd >= 0) close(fd);
}

PacketSockets::PacketSockets() = default;

PacketSockets::~PacketSockets() { watchers_.clear(); }

uint32_t PacketSockets::add(std::unique_ptr<PacketSocket> socket) {
  sockets_.emplace(next_, std::move(socket));
  return next_++;
}

uint32_t PacketSockets::add(std::unique_ptr<Watcher> watcher) {
  watchers_.emplace(next_, std::move(watcher));
  return next_++;
}

PacketSocket* PacketSockets::socket(uint32_t id) const {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? nullptr : found->second.get();
}

Watcher* PacketSockets::watcher(uint32_t id) const {
  const auto found = watchers_.find(id);
  return found == watchers_.end() ? nullptr : found->second.get();
}

void PacketSockets::remove(uint32_t id) {
  watchers_.erase(id);
  sockets_.erase(id);
}

napi_value PacketSockets::make_exports(napi_env env) {
  const Function functions[] = {
      {"openRing", open_ring_call}, {"openSender", open_sender_call}, {"memory", memory_call},
      {"hardwareType", hardware_type_call}, {"statistics", statistics_call}, {"send", send_call},
      {"watch", watch_call}, {"arm", arm_call}, {"close", close_call},
  };
  return make_object(env, functions, this);
}

}  // namespace weir

#endif  // WEIR_PACKET
