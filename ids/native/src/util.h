// Helpers over the Node-API C interface: argument checks that end in a TypeError, errors, function tables, handles.
#pragma once

#define NAPI_VERSION 8
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir {

inline napi_value make_string(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

inline napi_value make_u32(napi_env env, uint32_t number) {
  napi_value value = nullptr;
  napi_create_uint32(env, number, &value);
  return value;
}

/// Throws an Error with one numeric property (`pattern`, `offset`): where the trouble is.
inline void throw_error_at(napi_env env, const std::string& message, const char* property, int32_t where) {
  napi_value error = nullptr;
  napi_value number = nullptr;
  if (napi_create_error(env, nullptr, make_string(env, message), &error) != napi_ok) return;
  napi_create_int32(env, where, &number);
  napi_set_named_property(env, error, property, number);
  napi_throw(env, error);
}

/// A view of a typed array's memory. Valid until JavaScript runs again: never kept beyond the native call.
template <class T>
struct View {
  const T* data = nullptr;
  size_t length = 0;
};

/// The arguments of one call. The first bad one throws a TypeError and clears `ok`; later reads are then harmless, so a
/// function reads everything it needs and asks `ok()` once.
template <size_t N>
class Args {
 public:
  Args(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = N;
    if (napi_get_cb_info(env, info, &count, values_, nullptr, &data_) != napi_ok || count < N) fail("too few arguments");
  }

  bool ok() const { return ok_; }
  /// What the function was registered with.
  template <class T>
  T& self() const {
    return *static_cast<T*>(data_);
  }
  napi_value value(size_t index) const { return values_[index]; }

  /// Any JavaScript number; negative ones become huge, so that a range check refuses them.
  uint32_t u32(size_t index, const char* name) {
    uint32_t number = 0;
    if (ok_ && napi_get_value_uint32(env_, values_[index], &number) != napi_ok) fail(name, "must be a number");
    return number;
  }

  View<uint8_t> bytes(size_t index, const char* name) {
    return typed<uint8_t>(index, name, napi_uint8_array, "must be a Uint8Array");
  }

  View<uint32_t> words(size_t index, const char* name) {
    return typed<uint32_t>(index, name, napi_uint32_array, "must be a Uint32Array");
  }

  void fail(const char* message) {
    if (ok_) napi_throw_type_error(env_, nullptr, message);
    ok_ = false;
  }

 private:
  template <class T>
  View<T> typed(size_t index, const char* name, napi_typedarray_type wanted, const char* complaint) {
    View<T> view;
    if (!ok_) return view;
    napi_typedarray_type type;
    void* data = nullptr;
    size_t length = 0;
    if (napi_get_typedarray_info(env_, values_[index], &type, &length, &data, nullptr, nullptr) != napi_ok ||
        type != wanted) {
      fail(name, complaint);
      return view;
    }
    view.data = static_cast<const T*>(data);
    view.length = data == nullptr ? 0 : length;  // detached
    return view;
  }

  void fail(const char* name, const char* complaint) { fail((std::string(name) + " " + complaint).c_str()); }

  napi_env env_;
  napi_value values_[N == 0 ? 1 : N] = {};
  void* data_ = nullptr;
  bool ok_ = true;
};

/// Objects that JavaScript names by a small integer. The number carries a generation, so that a handle used after it was
/// closed is refused instead of reaching another object.
template <class T>
class HandleTable {
 public:
  uint32_t add(std::unique_ptr<T> object) {
    uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    slots_[slot].object = std::move(object);
    return slots_[slot].generation << kSlotBits | slot;
  }

  /// Null when the handle is stale or was never given out.
  T* get(uint32_t handle) const {
    const uint32_t slot = handle & kSlotMask;
    if (slot >= slots_.size() || slots_[slot].generation != handle >> kSlotBits) return nullptr;
    return slots_[slot].object.get();
  }

  bool remove(uint32_t handle) {
    if (get(handle) == nullptr) return false;
    Slot& slot = slots_[handle & kSlotMask];
    slot.object.reset();
    slot.generation = (slot.generation + 1) & kGenerationMask;
    free_.push_back(handle & kSlotMask);
    return true;
  }

  bool full() const { return free_.empty() && slots_.size() > kSlotMask; }

 private:
  // 22 + 8 bits: a handle stays a small integer for the JavaScript engine.
  static constexpr uint32_t kSlotBits = 22;
  static constexpr uint32_t kSlotMask = (1u << kSlotBits) - 1;
  static constexpr uint32_t kGenerationMask = 0xff;
  struct Slot {
    std::unique_ptr<T> object;
    uint32_t generation = 0;
  };
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

/// Memory that both sides write and read without a copy. The block lives until the C++ side and JavaScript's ArrayBuffer
/// have both let go of it, so neither a collected nor a detached buffer leaves a stale pointer here.
template <class T>
class SharedBlock {
 public:
  explicit SharedBlock(size_t length) : memory_(std::make_shared<std::vector<T>>(length == 0 ? 1 : length)), length_(length) {}

  T* data() const { return memory_->data(); }
  size_t length() const { return length_; }

  /// A new typed array over the block, or null with an exception pending.
  napi_value typed_array(napi_env env, napi_typedarray_type type) const {
    auto* keep = new std::shared_ptr<std::vector<T>>(memory_);
    napi_value buffer = nullptr;
    napi_value array = nullptr;
    const auto release = [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<std::vector<T>>*>(hint); };
    if (napi_create_external_arraybuffer(env, memory_->data(), memory_->size() * sizeof(T), release, keep, &buffer) !=
        napi_ok) {
      delete keep;
      napi_throw_error(env, nullptr, "this JavaScript runtime does not allow external buffers");
      return nullptr;
    }
    napi_create_typedarray(env, type, length_, buffer, 0, &array);
    return array;
  }

 private:
  std::shared_ptr<std::vector<T>> memory_;
  size_t length_;
};

struct Function {
  const char* name;
  napi_callback callback;
};

/// An object with the given functions, each registered with `self`.
template <size_t N>
napi_value make_object(napi_env env, const Function (&functions)[N], void* self) {
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  for (const Function& entry : functions) {
    napi_value function = nullptr;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.callback, self, &function);
    napi_set_named_property(env, object, entry.name, function);
  }
  return object;
}

/// True when `[start, end)` lies inside `view`.
inline bool in_range(const View<uint8_t>& view, uint32_t start, uint32_t end) { return start <= end && end <= view.length; }

}  // namespace weir
