/** The conversations made from rules, in other encodings: the same alerts. */
import { checkOracle } from './support/oracle-check.js'

checkOracle('http-community', ['chunked', 'gzip', 'pctenc'])
