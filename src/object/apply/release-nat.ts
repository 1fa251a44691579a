/** What a NAT gives up before a document is applied: public addresses may change their NATs, and wires their users. */
import { formatFloat } from '#abi/float.ts'
import type { NatSpec } from '#abi/host-file.ts'
import { formatEndpoint, type Endpoint } from '#wire/endpoint.ts'
import type { Context } from '../context.ts'
import type { Nat } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { natType } from '../type/nat.ts'

const text = (endpoint: Endpoint | null): string => (endpoint === null ? '' : formatEndpoint(endpoint))

/** Take from a NAT what the document gives to nobody, or to another. */
export function releaseNat(context: Context, tx: Transaction, nat: Nat, spec: NatSpec): void {
  const { floats, router, ethlink, via } = natType.setters
  const moved = nat.router !== spec.router
  const wanted = new Set(moved ? [] : spec.floats.map(formatFloat))
  const staying = nat.floats.filter((float) => wanted.has(formatFloat(float)))
  if (staying.length < nat.floats.length) floats(context, tx, nat, staying, {})
  if (moved) router(context, tx, nat, null, {})
  if (nat.ethlink !== null && nat.ethlink !== spec.ethlink) ethlink(context, tx, nat, null, {})
  if (nat.via !== null && text(nat.via) !== text(spec.via)) via(context, tx, nat, null, {})
}
