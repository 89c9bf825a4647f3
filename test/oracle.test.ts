/** Captures made from rules, one conversation per rule: the rules that alert in Snort 3 alert here. */
import { checkOracle } from './support/oracle-check.js'

checkOracle('http-community', [undefined])
checkOracle('nonhttp-community', [undefined, 'seg7'])
