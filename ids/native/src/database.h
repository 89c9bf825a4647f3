// Compiled Hyperscan databases: immutable, counted by reference, shared by every thread of the process.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#if __has_include(<hs/hs.h>)
#include <hs/hs.h>
#else
#include <hs.h>
#endif

#include "util.h"

namespace weir {

struct Database {
  hs_database_t* handle = nullptr;
  /// Ids are 0 .. patterns - 1.
  uint32_t patterns = 0;
  bool streaming = false;

  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { hs_free_database(handle); }
};

using DatabaseRef = std::shared_ptr<const Database>;

struct CompileFailure {
  std::string message;
  /// Number of the pattern at fault, or -1.
  int32_t pattern = -1;
};

/// What to compile: patterns back to back in `bytes`, one length and one set of HS_FLAG_* each.
struct CompileJob {
  bool literal = true;
  bool streaming = false;
  View<uint8_t> bytes;
  View<uint32_t> lengths;
  View<uint32_t> flags;
};

/// Compiles, or returns the database that any thread of the process has already compiled (or is compiling now) from the
/// same input and still uses. Null on failure.
DatabaseRef compile_shared(const CompileJob& job, CompileFailure* failure);

/// The same for a database that was compiled from this input earlier and serialised: `serialized` must come from
/// hs_serialize_database. Beyond its checksum, version and platform Hyperscan does not examine it.
DatabaseRef restore_shared(const CompileJob& job, View<uint8_t> serialized, CompileFailure* failure);

}  // namespace weir
