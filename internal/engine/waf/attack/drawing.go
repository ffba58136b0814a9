package attack

import "bytes"

// Drawings in pages: elements of SVG that have a shape, and attributes for its place, size and colour (SVG 1.1, appendix K and L, without what
// links, loads, moves by time, or has other markup or a script in it). Who draws one has a logo or an icon to show.

// drawingElements is how many tags a text with a drawing has at least: its own two, and one that draws something.
const drawingElements = 3

// draws tells whether an element of SVG only draws.
func draws(n []byte) bool {
	switch string(n) {
	case "svg", "g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon", "defs", "lineargradient", "radialgradient", "stop", "clippath", "symbol", "text", "tspan":
		return true
	}
	return false
}

// drawingAttribute takes an attribute of SVG with its value in quotation marks off the beginning of b.
func drawingAttribute(b []byte) (rest []byte, ok bool) {
	var buf [longestName]byte
	n, b := name(b, &buf)
	if len(b) < 2 || b[0] != '=' || b[1] != '"' && b[1] != '\'' {
		return nil, false
	}
	value, rest, ok := bytes.Cut(b[2:], b[1:2])
	if !ok {
		return nil, false
	}
	switch string(n) {
	case "xmlns":
		return rest, string(value) == "http://www.w3.org/2000/svg"
	case "d", "points", "viewbox", "transform", "gradienttransform", "preserveaspectratio", "cx", "cy", "r", "rx", "ry", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "fx", "fy", "offset", "opacity", "version",
		"fill", "fill-rule", "fill-opacity", "clip-rule", "clip-path", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "stroke-dasharray",
		"stop-color", "stop-opacity", "gradientunits", "text-anchor", "font-size", "font-family", "font-weight", "focusable":
	default:
		return nil, false
	}
	local := bytes.HasPrefix(value, []byte("url(#")) && bytes.IndexByte(value, ')') == len(value)-1 // a gradient of the same drawing
	for _, c := range value {
		switch {
		case c >= '0' && c <= '9', lowerASCII(c) >= 'a' && lowerASCII(c) <= 'z', isSpace(c), c == '.', c == ',', c == '-', c == '+', c == '(', c == ')', c == '#', c == '%', c == '_':
		default:
			return nil, false
		}
	}
	return rest, local || !bytes.Contains(bytes.ToLower(value), []byte("url"))
}
