//go:build race

package main

// underRace tells that the race detector runs: it takes its time.
const underRace = true
