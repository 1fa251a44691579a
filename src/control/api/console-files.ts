/** `/console/`: the files of the web console. They are public; what they show is not. */
import type { Hono } from 'hono'
import { answerFile, readConsoleFiles, type ConsoleFiles } from '#system/console-files.ts'
import { Problem } from '../model/problem.ts'
import type { ApiContext, Env } from './context.ts'

/** Add the routes. */
export function consoleRoutes(app: Hono<Env>): void {
  let files: ConsoleFiles | undefined
  app.get('/', (c) => c.redirect('/console/'))
  app.get('/console', (c) => c.redirect('/console/'))
  app.get('/console/:name{.*}', (c) => {
    files ??= readConsoleFiles()
    return answer(c as ApiContext, files, c.req.param('name') || 'index.html')
  })
}

function answer(c: ApiContext, files: ConsoleFiles, name: string): Response {
  const file = files.get(name)
  if (file === undefined)
    throw files.size > 0
      ? new Problem('not-found', `the console has no file ${name.slice(0, 100)}`)
      : new Problem('not-found', 'this API was started without the console', {
          hint: 'build it by `npm run build`, then start the API again',
        })
  const { status, headers, body } = answerFile(file, c.req.header('if-none-match'), c.req.header('accept-encoding'))
  return new Response(body, { status, headers })
}
