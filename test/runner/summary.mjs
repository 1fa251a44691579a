/**
 * A reporter for `node --test` that writes one line of JSON: how many tests of a file passed, failed and were skipped.
 */
export default async function* (events) {
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file === undefined) yield `${JSON.stringify({ ...data.counts, success: data.success })}\n`
  }
}
