// Helpers over the Node-API C interface: arguments, errors, function tables.
#pragma once

#define NAPI_VERSION 8
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>

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

/// Throws an Error with the properties `errno` and `call`: which system call failed, and why.
inline napi_value throw_system(napi_env env, const char* call, int number) {
  napi_value error = nullptr;
  napi_value value = nullptr;
  if (napi_create_error(env, nullptr, make_string(env, call), &error) != napi_ok) return nullptr;
  napi_create_int32(env, number, &value);
  napi_set_named_property(env, error, "errno", value);
  napi_set_named_property(env, error, "call", make_string(env, call));
  napi_throw(env, error);
  return nullptr;
}

/// A typed array's memory. Valid until JavaScript runs again: never kept beyond the native call.
template <class T>
struct View {
  T* data = nullptr;
  size_t length = 0;
};

/// The arguments of one call. The first bad one throws a TypeError and clears `ok`; later reads are then harmless.
template <size_t N>
class Args {
 public:
  /// Arguments beyond the `required` ones may be left out, and are then undefined.
  Args(napi_env env, napi_callback_info info, size_t required = N) : env_(env) {
    size_t count = N;
    if (napi_get_cb_info(env, info, &count, values_, nullptr, &data_) != napi_ok || count < required) {
      fail("too few arguments");
    }
  }

  bool ok() const { return ok_; }
  /// What the function was registered with.
  template <class T>
  T& self() const {
    return *static_cast<T*>(data_);
  }
  napi_value value(size_t index) const { return values_[index]; }

  uint32_t u32(size_t index) {
    uint32_t number = 0;
    if (ok_ && napi_get_value_uint32(env_, values_[index], &number) != napi_ok) fail("a number is expected");
    return number;
  }

  std::string text(size_t index) {
    size_t length = 0;
    if (!ok_ || napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length) != napi_ok) {
      fail("a string is expected");
      return {};
    }
    std::string text(length + 1, '\0');
    napi_get_value_string_utf8(env_, values_[index], &text[0], text.size(), &length);
    text.resize(length);
    if (text.find('\0') != std::string::npos) fail("a string without NUL is expected");
    return text;
  }

  View<uint8_t> bytes(size_t index) { return typed<uint8_t>(index, napi_uint8_array, "a Uint8Array is expected"); }
  View<uint32_t> words(size_t index) { return typed<uint32_t>(index, napi_uint32_array, "a Uint32Array is expected"); }

  void fail(const char* message) {
    if (ok_) napi_throw_type_error(env_, nullptr, message);
    ok_ = false;
  }

 private:
  template <class T>
  View<T> typed(size_t index, napi_typedarray_type wanted, const char* complaint) {
    View<T> view;
    napi_typedarray_type type;
    void* data = nullptr;
    size_t length = 0;
    if (!ok_) return view;
    if (napi_get_typedarray_info(env_, values_[index], &type, &length, &data, nullptr, nullptr) != napi_ok ||
        type != wanted) {
      fail(complaint);
      return view;
    }
    view.data = static_cast<T*>(data);
    view.length = data == nullptr ? 0 : length;  // detached
    return view;
  }

  napi_env env_;
  napi_value values_[N == 0 ? 1 : N] = {};
  void* data_ = nullptr;
  bool ok_ = true;
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

}  // namespace weir
