// Preloaded into a measured process: on SIGUSR2 it prints how late its event loop has been since the last time, and starts anew.
// Plain JavaScript, so that the measured process needs no loader.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolution = 5
const histogram = monitorEventLoopDelay({ resolution })
histogram.enable()
const late = nanoseconds => Math.max(0, nanoseconds / 1e6 - resolution)
process.on('SIGUSR2', () => {
  const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map(late)
  process.stderr.write(`loop-lag ${JSON.stringify({ p50, p99, max })}\n`)
  histogram.reset()
})
