/** What the DNS service asks vpcd, and what vpcd says: a JSON line each, on a socket between both. */

/** A name that a zone does not have, or an address whose name it does not have. */
export interface NameQuestion {
  readonly number: number
  /** Unit of the switch, and source of the port whose guest asks. */
  readonly zone: number
  readonly source: number
  /** One of them. */
  readonly name?: string
  readonly address?: string
}

/** Whether anybody listens who may learn it. */
export interface NameReply {
  readonly number: number
  readonly isHeard: boolean
}
