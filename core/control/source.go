package control

import (
	"time"

	"github.com/polygate/polygate/core/store"
)

// Source is the configuration that a gateway serves with. It is safe for concurrent use.
type Source interface {
	// Items returns the resources of a kind, for example "routes", in order of key. They are not to be changed.
	Items(kind string) []store.Item
	// Status tells how the configuration follows the store.
	Status() Status
	// Health returns the health checkers that run, in any order.
	Health() []Checker
	// Explain tells what would become of a request. Its error says what is wrong with the question.
	Explain(q Question) (*Explanation, error)
}

// Status tells how the configuration in service follows the store.
type Status struct {
	Ready         bool            // there is a configuration, from the store or from the copy on disk
	Reachable     bool            // the last exchange with the store worked
	Revision      int64           // of the store, in service
	StoreRevision int64           // the last one that the store told of; 0: it did not
	Since         time.Time       // when Reachable last changed; zero: never
	Applied       time.Time       // when the last change was put into service; zero: never
	Err           error           // the last one, nil where all is well
	FromCopy      bool            // what is in service came from the copy on disk, not from the store
	CopyTime      time.Time       // when that copy was written; zero: there is none
	CopyErr       error           // why there is no copy, or why it is not up to date; nil where all is well
	Rejected      []Rejected      // what is in the store but not in service
	Warnings      []Warning       // what is in service, but not all of it as it is written
	Counts        map[string]int  // resources in service by kind, for example "routes"; kinds without any may be left out
	Secrets       []SecretManager // that references to secrets are resolved with
}

// Rejected is an item that is in the store but not in service; its last good version stays, where there is one.
type Rejected struct {
	Key      string // for example "routes/1"
	Revision int64  // of the item
	Reason   string
	Kept     bool // a last good version serves in its place
}

// Warning is something about a resource in service that its owner would want to know: a plugin that does not run because
// nobody knows it, for example.
type Warning struct {
	Key    string // for example "routes/1"
	Plugin string // that it is about; empty: none
	Text   string
}

// SecretManager is the state of one manager of secrets.
type SecretManager struct {
	Name   string // for example "vault/1"
	OK     bool   // its last answer was one
	Err    string // why it is not OK
	Cached int    // values that are known of it
}

// Checker is the state of the health checks of one resource.
type Checker struct {
	Key   string // of the resource, for example "upstreams/1"
	Type  string // "http", "https" or "tcp"
	Nodes []CheckedNode
}

// CheckedNode is a node and what its checks found, in APISIX's words.
type CheckedNode struct {
	Host    string  `json:"hostname"`
	IP      string  `json:"ip"`
	Port    int     `json:"port"`
	Status  string  `json:"status"` // "healthy", "unhealthy", "mostly_healthy" or "mostly_unhealthy"
	Counter Counter `json:"counter"`
}

// Counter has what was counted of a node since its status last changed.
type Counter struct {
	Success        int `json:"success"`
	HTTPFailure    int `json:"http_failure"`
	TCPFailure     int `json:"tcp_failure"`
	TimeoutFailure int `json:"timeout_failure"`
}
