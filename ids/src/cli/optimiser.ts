/** V8's optimising compiler and the start of the program. */
import { setFlagsFromString } from 'node:v8'

/**
 * Runs `work` without V8 optimising what it runs: loading rules is over before the machine code made for it, on other
 * threads, has paid for itself, and a third of the start would be spent on making it. V8 has no interface for this but
 * its flags, which count for the whole process; setting them back has everything that is hot afterwards optimised.
 */
export const unoptimised = <T>(work: () => T): T => {
  setFlagsFromString('--no-opt')
  try {
    return work()
  } finally {
    setFlagsFromString('--opt')
  }
}
