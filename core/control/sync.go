package control

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// syncState is the body of /v1/sync.
type syncState struct {
	Ready         bool            `json:"ready"`
	Reachable     bool            `json:"reachable"`
	Revision      int64           `json:"revision"`
	StoreRevision int64           `json:"store_revision"`
	Lag           lag             `json:"lag"`
	Since         *time.Time      `json:"since,omitempty"`
	Error         string          `json:"error,omitempty"`
	FromCopy      bool            `json:"from_copy"`
	CopyTime      *time.Time      `json:"copy_time,omitempty"`
	CopyError     string          `json:"copy_error,omitempty"`
	Counts        map[string]int  `json:"counts"`
	Rejected      []rejected      `json:"rejected"`
	Warnings      []warning       `json:"warnings"`
	Secrets       []secretManager `json:"secrets"`
}

// lag is how far the configuration in service is behind the store.
type lag struct {
	Revisions int64    `json:"revisions"`         // of the store that are not in service yet
	Seconds   *float64 `json:"seconds,omitempty"` // since the last change was put into service
}

type rejected struct {
	Key      string `json:"key"`
	Revision int64  `json:"revision"`
	Reason   string `json:"reason"`
	Kept     bool   `json:"kept"`
}

type warning struct {
	Key    string `json:"key"`
	Plugin string `json:"plugin,omitempty"`
	Text   string `json:"text"`
}

type secretManager struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Err    string `json:"error,omitempty"`
	Cached int    `json:"cached"`
}

func syncOf(s Status, now time.Time) syncState {
	out := syncState{
		Ready: s.Ready, Reachable: s.Reachable, Revision: s.Revision, StoreRevision: cmp.Or(s.StoreRevision, s.Revision),
		Since: moment(s.Since), FromCopy: s.FromCopy, CopyTime: moment(s.CopyTime), Counts: map[string]int{},
		Rejected: []rejected{}, Warnings: []warning{}, Secrets: []secretManager{},
	}
	out.Lag.Revisions = max(out.StoreRevision-out.Revision, 0)
	if !s.Applied.IsZero() {
		seconds := float64(max(now.Sub(s.Applied), 0).Milliseconds()) / 1000
		out.Lag.Seconds = &seconds
	}
	if s.CopyErr != nil {
		out.CopyError = s.CopyErr.Error()
	}
	if s.Err != nil {
		out.Error = s.Err.Error()
	}
	maps.Copy(out.Counts, s.Counts)
	for _, r := range s.Rejected {
		out.Rejected = append(out.Rejected, rejected(r))
	}
	for _, w := range s.Warnings {
		out.Warnings = append(out.Warnings, warning(w))
	}
	for _, m := range s.Secrets {
		out.Secrets = append(out.Secrets, secretManager(m))
	}
	slices.SortFunc(out.Secrets, func(a, b secretManager) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
