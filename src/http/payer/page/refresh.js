// Looks whether the page has changed, and only then loads it again: nothing is torn away from somebody who types or listens.
// Without scripts the page reloads itself by its own clock instead (layout.ts).
const main = document.querySelector('main')
let timer = 0

async function look() {
  clearTimeout(timer)
  try {
    const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store' })
    const state = answer.headers.get('feegate-page-state')
    if (state !== null && state !== main.dataset.state) {
      location.reload()
      return
    }
  } catch {
    // No connection: the next look may have one.
  }
  wait()
}

function wait() {
  timer = setTimeout(look, Number(main.dataset.every) * 1000)
}

// The payer comes back from the banking app.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void look()
})
wait()
