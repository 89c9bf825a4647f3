// The `hyperscan` object of the addon: open databases and streams of one JavaScript environment.
#pragma once

#include "database.h"
#include "util.h"

namespace weir {

/// A database as one environment uses it: the shared automaton plus this thread's hit list.
struct OpenDatabase {
  OpenDatabase(DatabaseRef shared_, size_t patterns) : shared(std::move(shared_)), hits(patterns), seen(patterns, 0) {}

  DatabaseRef shared;
  /// Ids found by the last scan, each once. JavaScript reads this memory in place.
  SharedBlock<uint32_t> hits;
  uint32_t count = 0;
  /// Ids outside 0 .. patterns - 1, reported by a database that was deserialised with too small a pattern count.
  uint32_t ignored = 0;
  /// Generation in which an id was last seen.
  std::vector<uint32_t> seen;
  uint32_t generation = 0;

  void begin();
};

struct Stream {
  std::shared_ptr<OpenDatabase> database;
  hs_stream_t* handle = nullptr;
  ~Stream();
};

class Hyperscan {
 public:
  Hyperscan() = default;
  Hyperscan(const Hyperscan&) = delete;
  Hyperscan& operator=(const Hyperscan&) = delete;
  ~Hyperscan() { hs_free_scratch(scratch); }

  napi_value make_exports(napi_env env);

  /// Takes a database into this environment; 0 with an exception pending when memory runs out.
  bool open(napi_env env, DatabaseRef database, uint32_t* handle);

  // Streams go first: they hold their database.
  HandleTable<std::shared_ptr<OpenDatabase>> databases;
  HandleTable<Stream> streams;
  /// Working memory of every scan in this environment, grown to the needs of the largest database opened. An environment
  /// runs on one thread and a scan never calls JavaScript, so one is enough.
  hs_scratch_t* scratch = nullptr;
};

}  // namespace weir
