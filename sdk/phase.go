package sdk

// Phase is a step in the life of a request.
type Phase uint8

// The phases, in the order in which a request walks through them.
const (
	PhaseRewrite Phase = iota
	PhaseAccess
	PhaseBeforeProxy
	PhaseHeaderFilter
	PhaseBodyFilter
	PhaseLog
)

var phaseNames = [...]string{"rewrite", "access", "before_proxy", "header_filter", "body_filter", "log"}

// String returns the phase's name as it is written in configuration, for example "before_proxy".
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return "unknown"
}
