// Package hostile sends what attackers and broken peers send, byte for byte, to a gateway that runs as its own process, and looks at
// both sides of it: what the client is answered, and what reaches the upstream.
//
// The cases are lines of JSON in testdata: cases.jsonl has those that incidents and other products have taught, more.jsonl others of
// their classes, from RFC 9110 and 9112. case_test.go describes their format.
package hostile
