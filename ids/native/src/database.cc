#include "database.h"

namespace weir {
namespace {

/// Databases in use by their exact input. Holds no database alive: when the last thread closes it, it is freed.
class Registry {
 public:
  template <class Compile>
  DatabaseRef find_or_compile(const std::string& key, Compile compile) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      Entry& entry = entries_[key];
      if (DatabaseRef found = entry.database.lock()) return found;
      if (!entry.compiling) break;
      compiled_.wait(lock);
    }
    entries_[key].compiling = true;
    lock.unlock();
    DatabaseRef database = compile();
    lock.lock();
    entries_[key] = Entry{database, false};
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      const bool dead = !entry->second.compiling && entry->second.database.expired();
      entry = dead ? entries_.erase(entry) : std::next(entry);
    }
    compiled_.notify_all();
    return database;
  }

 private:
  struct Entry {
    std::weak_ptr<const Database> database;
    bool compiling = false;
  };
  std::mutex mutex_;
  std::condition_variable compiled_;
  std::unordered_map<std::string, Entry> entries_;
};

Registry& registry() {
  // Never destroyed: worker threads may still hold databases while the process exits.
  static Registry* const instance = new Registry;
  return *instance;
}

void append(std::string* key, const void* data, size_t size) { key->append(static_cast<const char*>(data), size); }

std::string key_of(const CompileJob& job) {
  const uint32_t header[] = {job.literal, job.streaming, static_cast<uint32_t>(job.lengths.length)};
  std::string key;
  append(&key, header, sizeof header);
  append(&key, job.lengths.data, job.lengths.length * sizeof(uint32_t));
  append(&key, job.flags.data, job.flags.length * sizeof(uint32_t));
  append(&key, job.bytes.data, job.bytes.length);
  return key;
}

/// The expression that matches exactly these bytes.
std::string escape(const std::string& literal) {
  static const char kDigits[] = "0123456789abcdef";
  std::string expression;
  for (const unsigned char byte : literal) expression += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  return expression;
}

DatabaseRef compile(const CompileJob& job, CompileFailure* failure) {
  const uint32_t count = static_cast<uint32_t>(job.lengths.length);
  std::vector<std::string> texts;  // expressions have to end in a NUL; literals may hold any
  std::vector<const char*> patterns;
  std::vector<size_t> lengths;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  texts.reserve(count);
  // Vectorscan takes a literal that begins with a NUL for an empty one, so such a set is compiled as expressions.
  bool nul_first = false;
  size_t offset = 0;
  for (uint32_t index = 0; index < count; index++) {
    const size_t length = job.lengths.data[index];
    if (length > job.bytes.length - offset) {
      *failure = {"the lengths do not fit the bytes", static_cast<int32_t>(index)};
      return nullptr;
    }
    if (length == 0 && job.literal) {  // Hyperscan 5.4.0 reads before the text
      *failure = {"Pattern is empty.", static_cast<int32_t>(index)};
      return nullptr;
    }
    texts.emplace_back(reinterpret_cast<const char*>(job.bytes.data) + offset, length);
    nul_first = nul_first || (job.literal && texts.back()[0] == '\0');
    flags.push_back(job.flags.data[index]);
    ids.push_back(index);
    offset += length;
  }

  const bool literal = job.literal && !nul_first;
  for (std::string& text : texts) {
    if (nul_first) text = escape(text);
    patterns.push_back(text.c_str());
    lengths.push_back(text.size());
  }

  auto database = std::make_shared<Database>();
  database->patterns = count;
  database->streaming = job.streaming;
  const unsigned mode = job.streaming ? HS_MODE_STREAM : HS_MODE_BLOCK;
  hs_compile_error_t* error = nullptr;
  const hs_error_t status =
      literal ? hs_compile_lit_multi(patterns.data(), flags.data(), ids.data(), lengths.data(), count, mode, nullptr,
                                     &database->handle, &error)
              : hs_compile_multi(patterns.data(), flags.data(), ids.data(), count, mode, nullptr, &database->handle,
                                 &error);
  if (status == HS_SUCCESS) return database;
  if (error == nullptr) {
    *failure = {"Hyperscan error " + std::to_string(status), -1};
  } else {
    *failure = {error->message, error->expression};
    hs_free_compile_error(error);
  }
  return nullptr;
}

}  // namespace

DatabaseRef compile_shared(const CompileJob& job, CompileFailure* failure) {
  return registry().find_or_compile(key_of(job), [&] { return compile(job, failure); });
}

}  // namespace weir
