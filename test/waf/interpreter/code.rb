# Tells what a value calls as Ruby: a line of JSON each. Nothing is run.
require "json"
require "ripper"

PLACES = { "a statement" => ["", "\n"], "an expression" => ["x = ", "\n"], "single quotes" => ["x = f('", "')\n"], "double quotes" => ["x = f(\"", "\")\n"] }.freeze
STDOUT.sync = true
$stderr.reopen("/dev/null")

def walk(node, all)
  return unless node.is_a?(Array)
  case node[0]
  when :xstring_literal then all["backquotes"] = true
  when :command, :fcall
    name = node[1][1] if node[1].is_a?(Array) && node[1][0] == :@ident
    all[name] = Kernel.respond_to?(name, true) if name
  when :call, :command_call
    receiver = node[1]
    known = !(receiver.is_a?(Array) && receiver[0] == :vcall) && !(receiver.is_a?(Array) && receiver[0] == :var_ref && receiver[1].is_a?(Array) && receiver[1][0] == :@const && !Object.const_defined?(receiver[1][1]))
    all["a method"] = (all["a method"] || false) | known
  end
  node.each { |n| walk(n, all) }
end

def calls(code)
  all = {}
  walk(Ripper.sexp(code), all)
  all
end

while (line = STDIN.gets)
  value = JSON.parse(line)["Value"].unpack1("m").force_encoding("UTF-8").scrub
  found = []
  PLACES.each do |place, (before, behind)|
    harmless = calls(before + "x" + behind)
    calls(before + value + behind).each do |name, there|
      next if harmless.key?(name)
      found << { "Verdict" => there ? "carried out" : "possible", "Kind" => "Ruby, #{place}#{there ? '' : ', unknown'}", "How" => name.scrub }
    end
  end
  puts JSON.generate(found)
end
