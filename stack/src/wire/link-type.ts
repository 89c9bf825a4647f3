/** Link types the decoder understands: libpcap LINKTYPE_ and DLT_ numbers (both where they differ). */
export const LINK_TYPE = {
  /** BSD loopback: address family as a 32-bit word in the byte order of the machine that captured. */
  NULL: 0,
  ETHERNET: 1,
  /** PPP, with or without address and control. */
  PPP: 9,
  /** Raw IP as numbered by the DLT of most systems, of OpenBSD, and by the file formats. */
  RAW_DLT: 12,
  RAW_OPENBSD: 14,
  /** PPP with address and control, or Cisco HDLC. */
  PPP_HDLC: 50,
  /** PPPoE without the Ethernet header. */
  PPP_ETHER: 51,
  RAW: 101,
  /** Cisco HDLC. */
  C_HDLC: 104,
  /** OpenBSD loopback: like NULL, always in network byte order. */
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  /** Packets logged by Linux's netfilter. */
  NFLOG: 239,
  LINUX_SLL2: 276,
} as const

/** EtherTypes (IEEE 802 numbers) the decoder knows. */
export const ETHER_TYPE = {
  IPV4: 0x0800,
  ARP: 0x0806,
  /** A whole Ethernet frame (transparent Ethernet bridging). */
  ETHERNET: 0x6558,
  VLAN: 0x8100,
  IPV6: 0x86dd,
  PPP: 0x880b,
  MPLS: 0x8847,
  MPLS_MULTICAST: 0x8848,
  PPPOE_SESSION: 0x8864,
  /** GRE: ERSPAN types I and II, type III. */
  ERSPAN: 0x88be,
  ERSPAN3: 0x22eb,
  /** 802.1ad service tag. */
  QINQ: 0x88a8,
  /** Service tags from before 802.1ad. */
  QINQ_OLD: 0x9100,
  QINQ_OLDER: 0x9200,
} as const

/** IP protocol numbers (IANA) the decoder knows, IPv6 extension headers among them. */
export const IP_PROTOCOL = {
  HOP_BY_HOP: 0,
  ICMP: 1,
  /** IPv4 inside. */
  IPIP: 4,
  TCP: 6,
  UDP: 17,
  /** IPv6 inside. */
  IPV6: 41,
  ROUTING: 43,
  FRAGMENT: 44,
  GRE: 47,
  AUTHENTICATION: 51,
  ICMPV6: 58,
  NO_NEXT_HEADER: 59,
  DESTINATION: 60,
  MPLS_IN_IP: 137,
} as const
