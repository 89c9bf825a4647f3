// Linux only.
#ifdef WEIR_PACKET

#include "watcher.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace weir {
namespace {

/// On the JavaScript thread. `data` is the error number.
void call(napi_env env, napi_value callback, void*, void* data) {
  if (env == nullptr || callback == nullptr) return;  // the environment is closing
  napi_value receiver = nullptr;
  napi_value argument = nullptr;
  napi_get_undefined(env, &receiver);
  napi_create_int32(env, static_cast<int32_t>(reinterpret_cast<intptr_t>(data)), &argument);
  napi_call_function(env, receiver, callback, 1, &argument, nullptr);
}

int error_of(int socket) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

}  // namespace

Watcher::Watcher(napi_env env, std::vector<int> sockets) : env_(env), sockets_(std::move(sockets)) {}

Watcher* Watcher::make(napi_env env, napi_value callback, std::vector<int> sockets) {
  auto* watcher = new Watcher(env, std::move(sockets));
  watcher->wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (watcher->wake_ < 0) {
    const int error = errno;
    delete watcher;
    throw_system(env, "eventfd", error);
    return nullptr;
  }
  if (napi_create_threadsafe_function(env, callback, nullptr, make_string(env, "weir_net"), 0, 1, nullptr, nullptr,
                                      nullptr, call, &watcher->notify_) != napi_ok) {
    watcher->notify_ = nullptr;
    delete watcher;
    napi_throw_type_error(env, nullptr, "a function is expected");
    return nullptr;
  }
  // Runs before the hook of the thread-safe function, made earlier: the thread is gone when that closes.
  napi_add_env_cleanup_hook(env, stop_hook, watcher);
  // Signals are for the threads of Node.js.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto body = [](void* self) -> void* {
    static_cast<Watcher*>(self)->run();
    return nullptr;
  };
  const int failure = pthread_create(&watcher->thread_, nullptr, body, watcher);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  watcher->running_ = failure == 0;
  if (failure == 0) return watcher;
  delete watcher;
  throw_system(env, "pthread_create", failure);
  return nullptr;
}

Watcher::~Watcher() {
  if (!closed_) {
    stop();
    napi_remove_env_cleanup_hook(env_, stop_hook, this);
    if (notify_ != nullptr) napi_release_threadsafe_function(notify_, napi_tsfn_abort);
  }
  if (wake_ >= 0) close(wake_);
}

void Watcher::arm() {
  armed_ = true;
  eventfd_write(wake_, 1);
}

void Watcher::stop() {
  stopping_ = true;
  closed_ = true;
  if (!running_) return;
  eventfd_write(wake_, 1);
  pthread_join(thread_, nullptr);
  running_ = false;
}

void Watcher::run() {
  std::vector<pollfd> polled;
  for (int socket : sockets_) polled.push_back({socket, POLLIN, 0});
  polled.push_back({wake_, POLLIN, 0});
  while (!stopping_) {
    const bool armed = armed_;
    pollfd* first = armed ? polled.data() : &polled.back();
    const nfds_t count = armed ? polled.size() : 1;
    if (poll(first, count, -1) < 0) continue;  // EINTR or out of memory for a moment
    if (polled.back().revents != 0) {
      eventfd_t value;
      eventfd_read(wake_, &value);
    }
    if (!armed || stopping_) continue;
    int error = 0;
    bool ready = false;
    for (size_t i = 0; i + 1 < polled.size(); i++) {
      ready |= polled[i].revents != 0;
      if ((polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 && error == 0) error = error_of(polled[i].fd);
    }
    if (!ready) continue;
    armed_ = false;
    napi_call_threadsafe_function(notify_, reinterpret_cast<void*>(static_cast<intptr_t>(error)), napi_tsfn_nonblocking);
  }
}

}  // namespace weir

#endif  // WEIR_PACKET
