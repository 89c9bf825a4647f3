// Tells JavaScript that one of some sockets has something to read, without blocking its event loop: a thread waits.
#pragma once

#include "napi.h"

#include <pthread.h>

#include <atomic>
#include <vector>

namespace weir {

/// After `arm`, the callback is called once, with 0 or the error of a socket; then nothing until it is armed again.
class Watcher {
 public:
  /// Throws into `env` and returns null when it cannot be made.
  static Watcher* make(napi_env env, napi_value callback, std::vector<int> sockets);
  ~Watcher();
  void arm();

 private:
  Watcher(napi_env env, std::vector<int> sockets);
  void run();
  void stop();
  static void stop_hook(void* self) { static_cast<Watcher*>(self)->stop(); }

  napi_env env_;
  std::vector<int> sockets_;
  int wake_ = -1;
  std::atomic<bool> armed_{false};
  std::atomic<bool> stopping_{false};
  napi_threadsafe_function notify_ = nullptr;
  pthread_t thread_;
  bool running_ = false;
  /// The environment has let go of `notify_`, or is about to.
  bool closed_ = false;
};

}  // namespace weir
