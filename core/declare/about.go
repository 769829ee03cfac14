package declare

import (
	"bytes"
)

// About returns a problem with the resource of a key, at the place that the message is about as far as that can be told.
func (d *Document) About(key, message string) Problem {
	it, ok := d.Find(key)
	if !ok {
		return Problem{Key: key, Text: message}
	}
	about := spotOf(message)
	p := d.problem(it, about.path, message)
	if about.onKey && it.at.source != nil {
		it.at.source.point(it.at, about.path, &p)
	}
	return p
}

// JSON returns the document as one file of APISIX's standalone mode in JSON, without what [Lists] leaves out.
func (d *Document) JSON() []byte {
	doc, _ := Lists(d.Items)
	for _, p := range d.Plugins {
		doc["plugins"] = append(doc["plugins"], encodeJSON(p))
	}
	// What has been put in for variables is not looked at again.
	return bytes.ReplaceAll(encodeJSON(doc), []byte("${{"), []byte(dollar+"{{"))
}
