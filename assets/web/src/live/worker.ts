import { Sharing } from './sharing'
import { openSource } from './stream'

// The script of the shared worker: it lives as long as a tab does.
const sharing = new Sharing(openSource)

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (!port) return
  port.onmessage = ({ data }) => sharing.receive(port, data)
  // A tab that crashed says no goodbye; not every browser tells.
  port.addEventListener('close', () => sharing.receive(port, { type: 'leave' }))
})
