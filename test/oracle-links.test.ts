/** The conversations made from rules, over IPv6, in VLANs, without handshake, several on a connection: the same alerts. */
import { checkOracle } from './support/oracle-check.js'

checkOracle('http-community', ['ipv6', 'vlan', 'midstream', 'pipelined'])
