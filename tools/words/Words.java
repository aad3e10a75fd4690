import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.languagetool.*;
import org.languagetool.rules.*;
import org.languagetool.rules.spelling.SpellingCheckRule;

/**
 * Checks texts with LanguageTool. Standard input has one text per line: language, name
 * and text, separated by tabs. Arguments are file names: words that the dictionaries do
 * not know, and rules that do not fit short texts, one per line. Each finding is a line
 * of the output; the exit status is 1 if there is one.
 */
class Words {
    public static void main(String[] files) throws IOException {
        Set<String> words = lines(files[0]), rules = lines(files[1]);
        Map<String, JLanguageTool> tools = Map.of("fr", tool("fr", words), "en", tool("en-GB", words));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        int texts = 0, found = 0;
        for (String line; (line = in.readLine()) != null; texts++) {
            String[] part = line.split("\t", 3);
            for (RuleMatch m : tools.get(part[0]).check(part[2])) {
                if (rules.contains(m.getRule().getId()) || rules.contains(m.getSpecificRuleId())) {
                    continue;
                }
                found++;
                String shown = part[2].substring(0, m.getFromPos()) + "[" + part[2].substring(m.getFromPos(), m.getToPos()) + "]" + part[2].substring(m.getToPos());
                List<String> instead = m.getSuggestedReplacements();
                out.println(part[1] + ": " + m.getSpecificRuleId() + ": " + m.getMessage() + " " + instead.subList(0, Math.min(3, instead.size())) + "\n    " + shown);
            }
        }
        out.println(texts + " texts, " + found + " findings");
        System.exit(found == 0 ? 0 : 1);
    }

    static JLanguageTool tool(String language, Set<String> words) {
        JLanguageTool tool = new JLanguageTool(Languages.getLanguageForShortCode(language));
        for (Rule rule : tool.getAllRules()) {
            if (rule instanceof SpellingCheckRule spelling) {
                spelling.addIgnoreTokens(List.copyOf(words));
            }
        }
        return tool;
    }

    static Set<String> lines(String file) throws IOException {
        Set<String> all = new HashSet<>();
        try (BufferedReader in = new BufferedReader(new FileReader(file, StandardCharsets.UTF_8))) {
            for (String line; (line = in.readLine()) != null;) {
                if (!line.isBlank() && !line.startsWith("#")) {
                    all.add(line.strip());
                }
            }
        }
        return all;
    }
}
