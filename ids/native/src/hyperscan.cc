#include "hyperscan.h"

#include <algorithm>
#include <cstdlib>

namespace weir {
namespace {

int on_match(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
  OpenDatabase& open = *static_cast<OpenDatabase*>(context);
  if (id >= open.seen.size()) {
    open.ignored++;
  } else if (open.seen[id] != open.generation) {
    open.seen[id] = open.generation;
    open.hits.data()[open.count++] = id;
  }
  return 0;
}

/// What of this processor decides the code of a compiled database.
std::string platform_text() {
  hs_platform_info_t platform = {};
  if (hs_populate_platform(&platform) != HS_SUCCESS) return "unknown";
  return std::to_string(platform.tune) + ":" + std::to_string(platform.cpu_features);
}

bool check(napi_env env, hs_error_t status, const char* what) {
  if (status == HS_SUCCESS) return true;
  napi_throw_error(env, nullptr, (std::string(what) + ": Hyperscan error " + std::to_string(status)).c_str());
  return false;
}

template <size_t N>
std::shared_ptr<OpenDatabase>* database_argument(Args<N>& args, size_t index) {
  const uint32_t handle = args.u32(index, "database");
  auto* open = args.ok() ? args.template self<Hyperscan>().databases.get(handle) : nullptr;
  if (args.ok() && open == nullptr) args.fail("database is closed or was never open");
  return open;
}

template <size_t N>
Stream* stream_argument(Args<N>& args, size_t index) {
  const uint32_t handle = args.u32(index, "stream");
  Stream* stream = args.ok() ? args.template self<Hyperscan>().streams.get(handle) : nullptr;
  if (args.ok() && stream == nullptr) args.fail("stream is closed or was never open");
  return stream;
}

/// Reads (bytes, lengths: Uint32Array, flags: Uint32Array, streaming: 0|1).
template <size_t N>
CompileJob job_arguments(Args<N>& args, bool literal) {
  CompileJob job;
  job.literal = literal;
  job.bytes = args.bytes(0, "bytes");
  job.lengths = args.words(1, "lengths");
  job.flags = args.words(2, "flags");
  job.streaming = args.u32(3, "streaming") != 0;
  if (args.ok() && job.lengths.length != job.flags.length) args.fail("lengths and flags must be of one length");
  return job;
}

napi_value open_database(napi_env env, Hyperscan& self, const DatabaseRef& database, const CompileFailure& failure) {
  if (!database) {
    throw_error_at(env, failure.message, "pattern", failure.pattern);
    return nullptr;
  }
  uint32_t handle = 0;
  return self.open(env, database, &handle) ? make_u32(env, handle) : nullptr;
}

/// compileLiterals|compileExpressions(bytes, lengths, flags, streaming) -> database
napi_value compile(napi_env env, napi_callback_info info, bool literal) {
  Args<4> args(env, info);
  const CompileJob job = job_arguments(args, literal);
  if (!args.ok()) return nullptr;
  CompileFailure failure;
  const DatabaseRef database = compile_shared(job, &failure);
  return open_database(env, args.self<Hyperscan>(), database, failure);
}

napi_value compile_literals(napi_env env, napi_callback_info info) { return compile(env, info, true); }
napi_value compile_expressions(napi_env env, napi_callback_info info) { return compile(env, info, false); }

/// serialize(database) -> Uint8Array
napi_value serialize(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* open = database_argument(args, 0);
  if (open == nullptr) return nullptr;
  char* bytes = nullptr;
  size_t length = 0;
  if (!check(env, hs_serialize_database((*open)->shared->handle, &bytes, &length), "serialize")) return nullptr;
  void* copy = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, length, &copy, &buffer) == napi_ok) {
    std::copy(bytes, bytes + length, static_cast<char*>(copy));
    napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array);
  }
  std::free(bytes);
  return array;
}

/// restoreLiterals|restoreExpressions(bytes, lengths, flags, streaming, serialized: Uint8Array) -> database. `serialized`
/// must come from serialize() of what the matching compile function made of the same input.
napi_value restore(napi_env env, napi_callback_info info, bool literal) {
  Args<5> args(env, info);
  const CompileJob job = job_arguments(args, literal);
  const View<uint8_t> serialized = args.bytes(4, "serialized");
  if (!args.ok()) return nullptr;
  CompileFailure failure;
  const DatabaseRef database = restore_shared(job, serialized, &failure);
  return open_database(env, args.self<Hyperscan>(), database, failure);
}

napi_value restore_literals(napi_env env, napi_callback_info info) { return restore(env, info, true); }
napi_value restore_expressions(napi_env env, napi_callback_info info) { return restore(env, info, false); }

/// info(database) -> string
napi_value database_info(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* open = database_argument(args, 0);
  if (open == nullptr) return nullptr;
  char* text = nullptr;
  if (!check(env, hs_database_info((*open)->shared->handle, &text), "info")) return nullptr;
  napi_value value = make_string(env, text);
  std::free(text);
  return value;
}

/// size(database) -> bytes of the compiled automaton
napi_value database_size(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* open = database_argument(args, 0);
  if (open == nullptr) return nullptr;
  size_t size = 0;
  if (!check(env, hs_database_size((*open)->shared->handle, &size), "size")) return nullptr;
  napi_value value = nullptr;
  napi_create_double(env, static_cast<double>(size), &value);
  return value;
}

/// hits(database) -> Uint32Array over the memory that scans write to
napi_value hits(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* open = database_argument(args, 0);
  return open == nullptr ? nullptr : (*open)->hits.typed_array(env, napi_uint32_array);
}

/// ignored(database) -> how many reports had an id that does not fit the hit list
napi_value ignored(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* open = database_argument(args, 0);
  return open == nullptr ? nullptr : make_u32(env, (*open)->ignored);
}

/// scan(database, bytes, start, end) -> number of hits
napi_value scan(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  auto* found = database_argument(args, 0);
  const View<uint8_t> bytes = args.bytes(1, "bytes");
  const uint32_t start = args.u32(2, "start");
  const uint32_t end = args.u32(3, "end");
  if (args.ok() && !in_range(bytes, start, end)) args.fail("start and end must lie inside bytes");
  if (args.ok() && (*found)->shared->streaming) args.fail("database is a streaming one");
  if (!args.ok()) return nullptr;
  OpenDatabase& open = **found;
  open.begin();
  if (start < end) {
    const char* data = reinterpret_cast<const char*>(bytes.data) + start;
    const hs_error_t status = hs_scan(open.shared->handle, data, end - start, 0, args.self<Hyperscan>().scratch, on_match, &open);
    if (!check(env, status, "scan")) return nullptr;
  }
  return make_u32(env, open.count);
}

/// openStream(database) -> stream
napi_value open_stream(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* open = database_argument(args, 0);
  if (open != nullptr && !(*open)->shared->streaming) args.fail("database is not a streaming one");
  if (!args.ok()) return nullptr;
  Hyperscan& self = args.self<Hyperscan>();
  if (self.streams.full()) {
    napi_throw_error(env, nullptr, "too many open streams");
    return nullptr;
  }
  auto stream = std::make_unique<Stream>();
  stream->database = *open;
  if (!check(env, hs_open_stream((*open)->shared->handle, 0, &stream->handle), "openStream")) return nullptr;
  return make_u32(env, self.streams.add(std::move(stream)));
}

/// scanStream(stream, bytes, start, end) -> number of hits, in the hit list of the stream's database
napi_value scan_stream(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  Stream* stream = stream_argument(args, 0);
  const View<uint8_t> bytes = args.bytes(1, "bytes");
  const uint32_t start = args.u32(2, "start");
  const uint32_t end = args.u32(3, "end");
  if (args.ok() && !in_range(bytes, start, end)) args.fail("start and end must lie inside bytes");
  if (!args.ok()) return nullptr;
  OpenDatabase& open = *stream->database;
  open.begin();
  if (start < end) {
    const char* data = reinterpret_cast<const char*>(bytes.data) + start;
    const hs_error_t status = hs_scan_stream(stream->handle, data, end - start, 0, args.self<Hyperscan>().scratch, on_match, &open);
    if (!check(env, status, "scanStream")) return nullptr;
  }
  return make_u32(env, open.count);
}

/// resetStream(stream): as if just opened
napi_value reset_stream(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  Stream* stream = stream_argument(args, 0);
  if (stream != nullptr) check(env, hs_reset_stream(stream->handle, 0, nullptr, nullptr, nullptr), "resetStream");
  return nullptr;
}

/// closeStream(stream); a second time does nothing
napi_value close_stream(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  const uint32_t handle = args.u32(0, "stream");
  if (args.ok()) args.self<Hyperscan>().streams.remove(handle);
  return nullptr;
}

/// close(database); a second time does nothing. Streams of it that are still open keep it alive.
napi_value close(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  const uint32_t handle = args.u32(0, "database");
  if (args.ok()) args.self<Hyperscan>().databases.remove(handle);
  return nullptr;
}

}  // namespace

void OpenDatabase::begin() {
  count = 0;
  if (++generation == 0) {
    std::fill(seen.begin(), seen.end(), 0);
    generation = 1;
  }
}

Stream::~Stream() {
  if (handle != nullptr) hs_close_stream(handle, nullptr, nullptr, nullptr);
}

bool Hyperscan::open(napi_env env, DatabaseRef database, uint32_t* handle) {
  if (!check(env, hs_alloc_scratch(database->handle, &scratch), "alloc_scratch")) return false;
  if (databases.full()) {
    napi_throw_error(env, nullptr, "too many open databases");
    return false;
  }
  auto opened = std::make_shared<OpenDatabase>(database, database->patterns);
  *handle = databases.add(std::make_unique<std::shared_ptr<OpenDatabase>>(std::move(opened)));
  return true;
}

napi_value Hyperscan::make_exports(napi_env env) {
  static const Function functions[] = {
      {"compileLiterals", compile_literals},
      {"compileExpressions", compile_expressions},
      {"serialize", serialize},
      {"restoreLiterals", restore_literals},
      {"restoreExpressions", restore_expressions},
      {"info", database_info},
      {"size", database_size},
      {"hits", hits},
      {"ignored", ignored},
      {"scan", scan},
      {"openStream", open_stream},
      {"scanStream", scan_stream},
      {"resetStream", reset_stream},
      {"closeStream", close_stream},
      {"close", close},
  };
  napi_value object = make_object(env, functions, this);
  if (object == nullptr) return nullptr;
  napi_value usable = nullptr;
  napi_get_boolean(env, hs_valid_platform() == HS_SUCCESS, &usable);
  napi_set_named_property(env, object, "usable", usable);
  napi_set_named_property(env, object, "version", make_string(env, hs_version()));
  napi_set_named_property(env, object, "platform", make_string(env, platform_text()));
  return object;
}

}  // namespace weir
