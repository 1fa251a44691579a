/** Two that are in order as one that is. */
export function* merged(a: Iterable<string>, b: Iterable<string>): Generator<string> {
  const [first, second] = [a[Symbol.iterator](), b[Symbol.iterator]()]
  for (let [one, other] = [first.next(), second.next()]; !one.done || !other.done;) {
    const isFirst = other.done || (!one.done && one.value <= other.value)
    yield (isFirst ? one.value : other.value) as string
    if (isFirst) one = first.next()
    else other = second.next()
  }
}
