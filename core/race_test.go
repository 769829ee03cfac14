//go:build race

package core_test

// underRace tells that the race detector runs: it allocates, and takes its time.
const underRace = true
