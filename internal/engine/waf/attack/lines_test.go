package attack

import (
	"strings"
	"testing"
)

// letter is text of several lines, in which less counts for an attack than elsewhere.
const letter = "Dear colleagues,\nhere are the notes of the meeting that we had on Monday about the new warehouse\nand the delivery of all parts that were ordered last week by the shop\n" +
	"please tell me when you have read them and whether something is missing\nso that I can send them to the others, too\nbest regards"

// Whoever has a line run writes a letter before or behind it.
func TestALetterHidesNoLine(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	s := NewScratch(nil)
	for _, v := range []string{
		"`id`", "$(`ls`)", ";sort /etc/passwd", "| phpinfo()", "system('whoami');", "a;id", "|id;", "admin' --", "%0aid%0a", "$\\x7b7*7}",
	} {
		for _, text := range []string{v + "\n" + letter, letter + "\n" + v, letter + "\r\n" + v + "\r\n"} {
			if d.Inspect([]byte(text), Body, s, nil) == 0 {
				t.Errorf("%.60q … %.60q", text, text[max(len(text)-60, 0):])
			}
		}
	}
	for _, v := range []string{
		"Re: your order", "Ann & Tom", "select one of these", "Thank you; Ann", `return self.name + "(" + str(self.url) + ")"`, "-- \nAnn Smith", strings.Repeat("a ", 200),
	} {
		for _, text := range []string{v + "\n" + letter, letter + "\n" + v} {
			if found := d.Inspect([]byte(text), Body, s, nil); found != 0 {
				t.Errorf("%.60q: %v", v, found)
			}
		}
	}
}
