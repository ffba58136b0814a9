package elbv2

import (
	"fmt"

	"fastness/internal/call"
)

// maxPage is the size of a page for which none is asked, and the largest.
const maxPage = 400

// section says which rows of a listing an answer holds. Rows are taken in the order of their keys.
type section struct {
	after, last string
	left        int
	// more is set when a row is left for the next page.
	more bool
}

// pageOf reads where a listing goes on and how much is asked for.
func (s *Service) pageOf(c *call.Call, marker *string, size *int32) (*section, error) {
	p := &section{left: maxPage}
	if size != nil {
		p.left = int(*size)
	}
	if value(marker) == "" {
		return p, nil
	}
	b, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, "", *marker)
	if err != nil {
		return nil, invalid("The marker is not valid")
	}
	p.after = string(b)
	return p, nil
}

// take tells whether the row of a key belongs to the page.
func (p *section) take(key string) bool {
	if p.after != "" && key <= p.after {
		return false
	}
	if p.left == 0 {
		p.more = true
		return false
	}
	p.left--
	p.last = key
	return true
}

// nextMarker is the token for the next page, nil if there is none.
func (s *Service) nextMarker(c *call.Call, p *section) (*string, error) {
	if !p.more {
		return nil, nil
	}
	token, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, "", []byte(p.last))
	if err != nil {
		return nil, fmt.Errorf("elbv2: token: %w", err)
	}
	return &token, nil
}
