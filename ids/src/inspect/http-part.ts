/**
 * Parts of an HTTP message that rules may name beyond the buffers every message has: a header field, a piece of the URI,
 * a parameter, the request a response answers.
 *
 * In: made by the rule parser. Out: asked for by option evaluation, unit by unit, so that they cost nothing where no rule
 * gets as far as them.
 */

/** Which bytes; the names are Snort 3's without `http_`. */
export type HttpPartName =
  | 'uri'
  | 'raw_uri'
  | 'header'
  | 'raw_header'
  | 'cookie'
  | 'raw_cookie'
  | 'method'
  | 'version'
  | 'raw_request'
  | 'raw_status'
  | 'raw_body'
  | 'trailer'
  | 'raw_trailer'
  | 'true_ip'
  | 'param'

export type UriComponent = 'scheme' | 'host' | 'port' | 'path' | 'query' | 'fragment'

export interface HttpPart {
  readonly name: HttpPartName
  /** URI: only this component. */
  readonly component: UriComponent | undefined
  /** Header or trailer: only the value of this field, lower case. Parameter: its name. One byte per character. */
  readonly field: Uint8Array | undefined
  /** Parameter: case of the name does not matter. */
  readonly nocase: boolean
  /** On a response: of the request it answers. */
  readonly request: boolean
}

/** Numbers a rule may ask of a head. */
export type HttpNumber =
  | 'num_headers'
  | 'num_trailers'
  | 'num_cookies'
  | 'max_header_line'
  | 'max_trailer_line'
  /** 0 malformed, 1 other, 9 for 0.9, 10, 11, 20, 30. */
  | 'version'

export const HTTP_VERSIONS: Readonly<Record<string, number>> = {
  malformed: 0,
  other: 1,
  '0.9': 9,
  '1.0': 10,
  '1.1': 11,
  '2.0': 20,
  '3.0': 30,
}
