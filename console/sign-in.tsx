/** The page for somebody whom the API does not know yet. */
import { useState } from 'preact/hooks'
import { problemOf, type ProblemBody } from './api.ts'
import { ProblemBox } from './parts.tsx'
import { signIn, type Whoami } from './session.ts'

export function SignIn({ then }: { then: (who: Whoami) => void }) {
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  const [isBusy, setBusy] = useState(false)
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const token = String(new FormData(form).get('token')).trim()
    setBusy(true)
    try {
      then(await signIn(token))
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <main class="alone">
      <h1>vpc</h1>
      <form onSubmit={submit}>
        <label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="off" spellcheck={false} required autofocus placeholder="vpc_…" />
        <p class="hint">
          The first token of a cloud is in the file <code>admin-token</code> of the API’s state directory; <code>vpc token create</code>{' '}
          makes more. The browser keeps a cookie that scripts cannot read, not the token.
        </p>
        {problem && <ProblemBox problem={problem} />}
        <button class="main" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  )
}
