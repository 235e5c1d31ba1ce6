// Ends in the way that its first argument names: what the native half of a backend can do to a process.
switch (process.argv[2]) {
  case 'cuda':
    process.kill(process.pid, 'SIGILL')
    // The signal comes when the system gets round to it.
    setInterval(() => {}, 1000)
    break
  case 'tensorflow':
    console.error('first word\nsecond word\nthird word\nlast word')
    process.exit(9)
    break
  case 'webgpu':
    setInterval(() => {}, 1000)
    break
  default:
    console.log('what a library prints\n{"kind":"wrong","reason":"7 instead of 6"}')
}
