package behave

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Load reads the cases of files, and of all files below folders. Cases are files that end in .txtar, and in Markdown (.md) the blocks of code
// that are marked as txtar. Files that are no cases come back as [Failures], beside the cases that are.
func Load(paths ...string) ([]*Case, error) {
	var cases []*Case
	var bad Failures
	for _, path := range paths {
		found := 0
		err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			ext := filepath.Ext(file)
			if entry.IsDir() || ext != ".txtar" && ext != ".md" {
				return nil
			}
			found++
			some, err := loadFile(file)
			cases = append(cases, some...)
			var f *Failure
			if errors.As(err, &f) {
				bad = append(bad, f)
				return nil
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("load cases: %w", err)
		}
		if found == 0 {
			return nil, fmt.Errorf("load cases: there is no .txtar or .md file in %s", path)
		}
	}
	if len(bad) > 0 {
		return cases, bad
	}
	return cases, nil
}

func loadFile(file string) ([]*Case, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if filepath.Ext(file) == ".md" {
		return parseMarkdown(file, data)
	}
	c, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	return []*Case{c}, nil
}

// parseMarkdown reads the blocks of a page that begin with ```txtar. They are named by the line on which they begin.
func parseMarkdown(file string, data []byte) ([]*Case, error) {
	var cases []*Case
	var block []byte
	begin, number := 0, 0
	fence := ""
	for line := range bytes.Lines(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))) {
		number++
		text := strings.TrimSpace(string(line))
		switch {
		case begin == 0 && strings.HasPrefix(text, "```"):
			fence = text[:len(text)-len(strings.TrimLeft(text, "`"))]
			begin, block = number, nil
			if strings.TrimPrefix(text, fence) != "txtar" {
				begin = -1
			}
		case begin != 0 && text == fence:
			if begin > 0 {
				c, err := parseAt(file, block, begin)
				if err != nil {
					return cases, err
				}
				c.Name = fmt.Sprintf("%s:%d", file, begin)
				cases = append(cases, c)
			}
			begin = 0
		case begin > 0:
			block = append(block, line...)
		}
	}
	return cases, nil
}
