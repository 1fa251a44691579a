/** How commands and traces say that no rule of security groups allows a packet. */

/** `none of the 3 rules for in of group app allows`; what follows is the packet. `of` begins with a space. */
export function noneAllows(count: number, direction: 'in' | 'out', of = ''): string {
  if (count === 0) return `no rule for ${direction}${of} allows`
  return count === 1 ? `the only rule for ${direction}${of} does not allow` : `none of the ${count} rules for ${direction}${of} allows`
}
