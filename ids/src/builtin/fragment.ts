/** Events of IP fragments, by Snort 3's numbers. */
import { FRAGMENT_ANOMALY_GID } from '@weir/stack'
import type { EventTable } from './rules.js'

export const FRAGMENT_GID = FRAGMENT_ANOMALY_GID

export const FRAGMENT_EVENTS: EventTable = {
  gid: FRAGMENT_GID,
  inspector: 'stream_ip',
  texts: {
    1: 'inconsistent IP options on fragmented packets',
    2: 'teardrop attack',
    3: 'short fragment, possible DOS attempt',
    4: 'fragment packet ends after defragmented packet',
    5: 'zero-byte fragment packet',
    7: 'bad fragment size, packet size is greater than 65536',
    8: 'fragmentation overlap',
    12: 'excessive fragment overlap',
    13: 'tiny fragment',
  },
}
