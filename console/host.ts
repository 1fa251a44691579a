/** The console of one host: where its page begins. */
import { createElement, render } from 'preact'
import { HostApp } from './host-app.tsx'
import { showTheme } from './theme.ts'

showTheme()
render(createElement(HostApp, null), document.getElementById('root')!)
