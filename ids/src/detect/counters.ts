/** What detection counts: one instance per inspector, plain numbers, never reset. Limits are counted when they bite. */
export class Counters {
  /** Units inspected, by kind. */
  packetUnits = 0
  streamUnits = 0
  httpRequests = 0
  httpResponses = 0
  pduUnits = 0
  fileUnits = 0
  /** Multi-pattern searches, and the bytes they covered. */
  searches = 0
  searchedBytes = 0
  /** Rules woken by a pattern (or having none), and those whose header and options were evaluated. */
  candidates = 0
  evaluations = 0
  /** Steps those took beyond the first look at each option (see `maxSteps`). */
  steps = 0
  /** Rules that matched, `noalert`, duplicates and filtered ones included. */
  matches = 0
  alerts = 0
  /** Matches not reported: a `pass` rule matched the same unit. */
  passed = 0
  /** Matches not reported: rules of an action that goes first matched the same unit. */
  outranked = 0
  /** Matches not reported: the rule had fired on a packet whose bytes the stream unit covers. */
  duplicates = 0
  /** Alerts held back by detection_filter, threshold, event_filter or suppress. */
  filtered = 0
  /** Alerts of one unit beyond the event queue's limits. */
  alertLimit = 0
  /** Inline: packets dropped, and flows blocked or reset, by rules. */
  droppedPackets = 0
  blockedFlows = 0
  rewrites = 0
  /** Inline: stretches of packets, sent again with other content, that were made what they had been. */
  restoredStretches = 0
  /** Tags forgotten, oldest first, because the table was full. */
  tagLimit = 0
  /** Packets logged because of a tag. */
  taggedPackets = 0
  /** Inline: packets that a rule would have dropped or changed when they had gone already. */
  lateActions = 0
  /** Evaluations given up because a rule used up its steps. */
  stepLimit = 0
  /** Regular expressions that hit the match limit. */
  pcreLimit = 0
  /** Rules of one long message that could not be remembered for its later windows. */
  pendingLimit = 0
  /** Turns of which only the first commands were looked at one by one; the turn as a whole always is. */
  commandLimit = 0
  /** Filter states dropped, oldest first, because the table was full. */
  filterTableLimit = 0
  /** Pattern sets the matcher engine refused; their rules are evaluated on every unit instead. */
  matcherFailures = 0
}
