/** The conversations made from rules, in other packets: the same alerts. */
import { checkOracle } from './support/oracle-check.js'

checkOracle('http-community', ['seg7', 'ooo', 'dup', 'ipfrag'])
