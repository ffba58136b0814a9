// Renders templates with FreeMarker and Velocity, and evaluates expressions of SpEL, OGNL, MVEL and JEXL: a line of JSON each.
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.regex.*;

public class Templates {
    interface Engine { String run(String text) throws Throwable; }

    /** Thrown where a text is not of the engine's language. */
    static class Syntax extends Exception { }

    static String secret;

    static Map<String, Object> context() {
        Map<String, Object> m = new HashMap<>();
        m.put("name", "anne");
        m.put("config", secret);
        return m;
    }

    static String freemarker(String text) throws Throwable {
        freemarker.template.Configuration c = new freemarker.template.Configuration();
        c.setTemplateExceptionHandler(freemarker.template.TemplateExceptionHandler.RETHROW_HANDLER);
        freemarker.log.Logger.selectLoggerLibrary(freemarker.log.Logger.LIBRARY_NONE);
        freemarker.template.Template t;
        try {
            t = new freemarker.template.Template("page", new StringReader(text), c);
        } catch (IOException e) {
            throw new Syntax();
        }
        StringWriter w = new StringWriter();
        t.process(context(), w);
        return w.toString();
    }

    static String velocity(String text) throws Throwable {
        org.apache.velocity.app.VelocityEngine v = new org.apache.velocity.app.VelocityEngine();
        v.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
        v.init();
        StringWriter w = new StringWriter();
        try {
            v.evaluate(new org.apache.velocity.VelocityContext(context()), w, "page", text);
        } catch (org.apache.velocity.exception.ParseErrorException e) {
            throw new Syntax();
        }
        return w.toString();
    }

    static String spel(String text) throws Throwable {
        org.springframework.expression.Expression e;
        try {
            e = new org.springframework.expression.spel.standard.SpelExpressionParser().parseExpression(text);
        } catch (RuntimeException x) {
            throw new Syntax();
        }
        return String.valueOf(e.getValue(new org.springframework.expression.spel.support.StandardEvaluationContext(context())));
    }

    static String ognl(String text) throws Throwable {
        Object tree;
        try {
            tree = ognl.Ognl.parseExpression(text);
        } catch (Exception x) {
            throw new Syntax();
        }
        return String.valueOf(ognl.Ognl.getValue(tree, context(), context()));
    }

    static String mvel(String text) throws Throwable {
        java.io.Serializable s;
        try {
            s = org.mvel2.MVEL.compileExpression(text);
        } catch (RuntimeException x) {
            throw new Syntax();
        }
        return String.valueOf(org.mvel2.MVEL.executeExpression(s, context()));
    }

    static String jexl(String text) throws Throwable {
        org.apache.commons.jexl2.JexlEngine j = new org.apache.commons.jexl2.JexlEngine();
        j.setStrict(true);
        j.setSilent(false);
        org.apache.commons.jexl2.Script e;
        try {
            e = j.createScript(text);
        } catch (RuntimeException x) {
            throw new Syntax();
        }
        return String.valueOf(e.execute(new org.apache.commons.jexl2.MapContext(context())));
    }

    static final ExecutorService runner = Executors.newCachedThreadPool(r -> {
        Thread t = new Thread(null, r, "run", 1 << 22);
        t.setDaemon(true);
        return t;
    });

    static String quote(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            if (c < ' ' || c == '"' || c == '\\' || c > '~') b.append(String.format("\\u%04x", (int) c));
            else b.append(c);
        }
        return b.append('"').toString();
    }

    static void run(List<String> found, String engine, Engine e, String text, boolean expression, String literal) {
        String out = "", error = "";
        Future<String> f = runner.submit(() -> {
            try {
                return "=" + e.run(text);
            } catch (Syntax x) {
                return "syntax";
            } catch (Throwable x) {
                return "runtime";
            }
        });
        try {
            String r = f.get(20, TimeUnit.SECONDS);
            if (r.startsWith("=")) out = r.substring(1);
            else error = r;
        } catch (Exception x) {
            error = "runtime";
            f.cancel(true);
        }
        if (error.equals("syntax") || expression && error.isEmpty() && out.equals(text)) return;
        if (out.length() > 100000) out = out.substring(0, 100000);
        found.add("{\"Engine\":" + quote(engine) + ",\"Out\":" + quote(out) + ",\"Error\":" + quote(error) + ",\"Expression\":" + expression + "}");
    }

    /** What stands between braces behind a sign, to the brace that ends it. */
    static List<String> between(String value) {
        List<String> all = new ArrayList<>();
        Matcher m = Pattern.compile("[$#%*@]\\{|\\{\\{").matcher(value);
        int from = 0;
        while (from <= value.length() && m.find(from)) {
            int depth = 1, i = m.end();
            for (; i < value.length() && depth > 0; i++) {
                if (value.charAt(i) == '{') depth++;
                if (value.charAt(i) == '}') depth--;
            }
            if (depth == 0) all.add(value.substring(m.end(), i - 1));
            from = depth == 0 ? i : m.end();
        }
        return all;
    }

    public static void main(String[] args) throws Exception {
        secret = args[0];
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.setIn(InputStream.nullInputStream());
        Pattern field = Pattern.compile("\"Value\":\"([^\"]*)\"");
        for (String line; (line = in.readLine()) != null; ) {
            Matcher m = field.matcher(line);
            List<String> found = new ArrayList<>();
            if (m.find()) {
                String value = new String(Base64.getDecoder().decode(m.group(1)), StandardCharsets.UTF_8);
                run(found, "FreeMarker", Templates::freemarker, "Hello " + value + "!", false, value);
                run(found, "Velocity", Templates::velocity, "Hello " + value + "!", false, value);
                Set<String> expressions = new LinkedHashSet<>(between(value));
                if (value.contains("(") || value.contains("@")) expressions.add(value);
                for (String e : expressions) {
                    if (e.isBlank()) continue;
                    run(found, "SpEL", Templates::spel, e, true, value);
                    run(found, "OGNL", Templates::ognl, e, true, value);
                    run(found, "MVEL", Templates::mvel, e, true, value);
                    run(found, "JEXL", Templates::jexl, e, true, value);
                }
            }
            answers.println("[" + String.join(",", found) + "]");
        }
        System.exit(0);
    }
}
