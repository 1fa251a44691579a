/**
 * A reporter for `node --test` that writes one line of JSON: how many tests of a file passed, failed and were skipped.
 */
export default async function* (events) {
  let hasFailed = false
  for await (const { type, data } of events) {
    // A hook after all tests fails in the name of the file, and in no count.
    if (type === 'test:fail' && data.todo === undefined && data.skip === undefined) hasFailed = true
    if (type === 'test:summary' && data.file === undefined) {
      const { counts, success } = data
      yield `${JSON.stringify({ ...counts, success: success && !hasFailed })}\n`
    }
  }
}
