# Tells what a value calls as Ruby: a line of JSON each. Nothing is run.
require "json"
require "ripper"

PLACES = { "a statement" => ["", "\n"], "an expression" => ["x = ", "\n"], "single quotes" => ["x = f('", "')\n"], "double quotes" => ["x = f(\"", "\")\n"] }.freeze
STDOUT.sync = true
$stderr.reopen("/dev/null")

# known tells whether what a method is called of is a literal, a constant that there is, or what a function gives.
def known?(node)
  return false unless node.is_a?(Array)
  case node[0]
  when :vcall, :command, :binary, :unary, :regexp_literal, :@int, :@float then false
  when :var_ref then node[1].is_a?(Array) && (node[1][0] == :@kw || (node[1][0] == :@const && Object.const_defined?(node[1][1])))
  when :call, :method_add_arg, :method_add_block, :paren, :aref, :fcall, :command_call then node[0] == :fcall ? Kernel.respond_to?(node[1][1].to_s, true) : known?(node[1])
  when :string_literal, :xstring_literal, :array, :hash, :const_path_ref, :top_const_ref, :lambda then true
  else false
  end
end

def walk(node, all)
  return unless node.is_a?(Array)
  case node[0]
  when :xstring_literal then all["backquotes"] = true
  when :command, :fcall
    name = node[1][1] if node[1].is_a?(Array) && node[1][0] == :@ident
    all[name] = Kernel.respond_to?(name, true) if name
  when :call, :command_call
    all["a method"] = true if known?(node[1])
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
