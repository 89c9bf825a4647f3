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

/// The patterns one by one; false with the number of one that is at fault.
bool split(const CompileJob& job, std::vector<std::string>* texts, CompileFailure* failure) {
  size_t offset = 0;
  for (size_t index = 0; index < job.lengths.length; index++) {
    const size_t length = job.lengths.data[index];
    if (length > job.bytes.length - offset) {
      *failure = {"the lengths do not fit the bytes", static_cast<int32_t>(index)};
      return false;
    }
    if (length == 0 && job.literal) {  // Hyperscan 5.4.0 reads before the text
      *failure = {"Pattern is empty.", static_cast<int32_t>(index)};
      return false;
    }
    texts->emplace_back(reinterpret_cast<const char*>(job.bytes.data) + offset, length);
    offset += length;
  }
  return true;
}

/// Hyperscan makes a second automaton of all patterns, for buffers below 70 bytes. With expressions among hundreds of
/// literals that takes ten times as long as the rest and is no faster. It does without when some pattern asks for the
/// start of its matches; this one, which traffic does not hold, is not one of the caller's.
const char kNoSmallBufferAutomaton[] = "\\xfe\\x01\\xfd[\\x02-\\x05]+\\xfc\\x07\\x09";

DatabaseRef compile_texts(const CompileJob& job, const std::vector<std::string>& texts, bool literal,
                          CompileFailure* failure) {
  const uint32_t count = static_cast<uint32_t>(texts.size());
  std::vector<const char*> patterns;
  std::vector<size_t> lengths;
  std::vector<unsigned> ids;
  for (const std::string& text : texts) {
    ids.push_back(static_cast<unsigned>(ids.size()));
    patterns.push_back(text.c_str());
    lengths.push_back(text.size());
  }
  std::vector<unsigned> flags(job.flags.data, job.flags.data + count);
  if (!literal && !job.streaming && count > 1) {
    patterns.push_back(kNoSmallBufferAutomaton);
    flags.push_back(HS_FLAG_SOM_LEFTMOST);
    ids.push_back(count);  // beyond those that searches report
  }
  auto database = std::make_shared<Database>();
  database->patterns = count;
  database->streaming = job.streaming;
  const unsigned mode = job.streaming ? HS_MODE_STREAM : HS_MODE_BLOCK;
  hs_compile_error_t* error = nullptr;
  const hs_error_t status =
      literal ? hs_compile_lit_multi(patterns.data(), flags.data(), ids.data(), lengths.data(), count, mode, nullptr,
                                     &database->handle, &error)
              : hs_compile_multi(patterns.data(), flags.data(), ids.data(), static_cast<unsigned>(patterns.size()), mode,
                                 nullptr, &database->handle, &error);
  if (status == HS_SUCCESS) return database;
  if (error == nullptr) {
    *failure = {"Hyperscan error " + std::to_string(status), -1};
  } else {
    *failure = {error->message, error->expression};
    hs_free_compile_error(error);
  }
  return nullptr;
}

DatabaseRef compile(const CompileJob& job, CompileFailure* failure) {
  std::vector<std::string> texts;
  if (!split(job, &texts, failure)) return nullptr;
  DatabaseRef database = compile_texts(job, texts, job.literal, failure);
  if (database || !job.literal || failure->pattern < 0) return database;
  // Vectorscan takes a literal that begins with a NUL for an empty one: such a set goes as expressions.
  if (texts[failure->pattern][0] != '\0') return nullptr;
  for (std::string& text : texts) text = escape(text);
  return compile_texts(job, texts, false, failure);
}

DatabaseRef restore(const CompileJob& job, View<uint8_t> serialized, CompileFailure* failure) {
  auto database = std::make_shared<Database>();
  database->patterns = static_cast<uint32_t>(job.lengths.length);
  database->streaming = job.streaming;
  static const char kNothing[1] = {0};
  const char* bytes = serialized.data == nullptr ? kNothing : reinterpret_cast<const char*>(serialized.data);
  const hs_error_t status = hs_deserialize_database(bytes, serialized.length, &database->handle);
  if (status == HS_SUCCESS) return database;
  *failure = {"Hyperscan error " + std::to_string(status), -1};
  return nullptr;
}

}  // namespace

DatabaseRef compile_shared(const CompileJob& job, CompileFailure* failure) {
  return registry().find_or_compile(key_of(job), [&] { return compile(job, failure); });
}

DatabaseRef restore_shared(const CompileJob& job, View<uint8_t> serialized, CompileFailure* failure) {
  return registry().find_or_compile(key_of(job), [&] { return restore(job, serialized, failure); });
}

}  // namespace weir
